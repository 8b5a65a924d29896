import ImageModel
import RegistryClient
import RegistryServer
import Synchronization
import Testing

struct UpstreamAccountTests {
    private let clock = ManualClock()
    private let record = LogRecord()

    /// A program that gives another password each time.
    private final class Program: Sendable {
        private let runs = Mutex(0)
        var count: Int { runs.withLock { $0 } }

        func run() -> Credentials {
            runs.withLock { runs in
                runs += 1
                return .password(user: "u", password: "p\(runs)")
            }
        }
    }

    private func account(_ program: Program, _ lifetime: Duration?) -> UpstreamAccount {
        UpstreamAccount(nil, renewedBy: { program.run() }, every: lifetime, clock: clock, logger: record.logger)
    }

    @Test func configuredAccountsStay() async {
        let credentials = Credentials.password(user: "u", password: "p")
        for given in [nil, credentials] {
            #expect(await UpstreamAccount(given, clock: clock, logger: record.logger).current() == given)
        }
    }

    /// Runs of the program for six requests, a minute apart.
    @Test(arguments: [(nil, 1), (.zero, 6), (.seconds(150), 2), (.seconds(60), 6)] as [(Duration?, Int)])
    func programsAreRunAgainWhenTheirTimeIsUp(_ lifetime: Duration?, _ runs: Int) async {
        let program = Program()
        let account = account(program, lifetime)
        for _ in 0..<6 {
            #expect(await account.current() == .password(user: "u", password: "p\(program.count)"))
            clock.advance(by: .seconds(60))
        }
        #expect(program.count == runs)
    }

    @Test func programsThatFailAreNotRunForEachRequest() async {
        let runs = Mutex(0)
        let account = UpstreamAccount(
            nil,
            renewedBy: {
                let count = runs.withLock { runs in
                    runs += 1
                    return runs
                }
                guard count == 1 else { throw UpstreamFailure(.failing, "no luck") }
                return .password(user: "u", password: "p")
            }, every: .seconds(60), clock: clock, logger: record.logger)
        let expected = Credentials.password(user: "u", password: "p")
        for _ in 0..<3 { #expect(await account.current() == expected) }
        clock.advance(by: .seconds(60))
        for _ in 0..<3 { #expect(await account.current() == expected) }
        #expect(runs.withLock { $0 } == 2)
        clock.advance(by: .seconds(10))
        #expect(await account.current() == expected)
        #expect(runs.withLock { $0 } == 3)
        #expect(record.messages.contains { $0.contains("no luck") })
    }
}

import NIOCore
import RegistryServer
import Synchronization
import Testing

struct FairShareTests {
    private let (one, other, third): (ClientAddress.Share, ClientAddress.Share, ClientAddress.Share)
    /// Longer than the tests beside this one take.
    private let patience = Duration.seconds(3600)

    init() throws {
        func share(_ host: String) throws -> ClientAddress.Share {
            ClientAddress(peer: try SocketAddress(ipAddress: host, port: 1)).share
        }
        (one, other, third) = (try share("192.0.2.1"), try share("192.0.2.2"), try share("192.0.2.3"))
    }

    /// Somebody who uses units until told otherwise.
    private func occupy(_ units: Int, of share: FairShare, as client: ClientAddress.Share) async -> @Sendable () -> Void
    {
        let turn = Turn(units, of: share, as: client)
        await turn.begin()
        return { turn.end() }
    }

    /// A request for units, which it uses until told otherwise.
    private struct Turn {
        private let begun = AsyncStream.makeStream(of: Void.self)
        private let ended = AsyncStream.makeStream(of: Void.self)

        init(_ units: Int, of share: FairShare, as client: ClientAddress.Share) {
            Task { [begun, ended] in
                try await share.use(units, for: client) {
                    begun.continuation.finish()
                    for await _ in ended.stream {}
                }
            }
        }

        func begin() async { for await _ in begun.stream {} }
        func end() { ended.continuation.finish() }
    }

    private func wait(for count: Int, _ share: FairShare) async { while share.waiting != count { await Task.yield() } }

    @Test func theClientThatUsesTheLeastComesNext() async throws {
        let share = FairShare(units: 1, patience: patience)
        let order = OrderOfTurns()
        let release = await occupy(1, of: share, as: one)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<6 {
                let client = number == 4 ? other : one
                group.addTask { try await share.use(1, for: client) { order.add(number) } }
                await wait(for: number + 1, share)
            }
            release()
            try await group.waitForAll()
        }
        #expect(order.numbers == [4, 0, 1, 2, 3, 5])
        #expect(share.waiting == 0)
    }

    @Test func clientsThatComeAgainDoNotPassOneThatWaits() async throws {
        let share = FairShare(units: 1, patience: patience)
        let order = OrderOfTurns()
        let first = Turn(1, of: share, as: one)
        await first.begin()
        let second = Turn(1, of: share, as: other)
        await wait(for: 1, share)
        let waiting = Task { try await share.use(1, for: one) { order.add(1) } }
        await wait(for: 2, share)
        first.end()
        await second.begin()
        let newcomer = Turn(1, of: share, as: third)
        await wait(for: 2, share)
        second.end()
        await newcomer.begin()
        // The other one has no request for a moment, and then comes again.
        let again = Task { try await share.use(1, for: other) { order.add(2) } }
        await wait(for: 2, share)
        newcomer.end()
        for each in [waiting, again] { try await each.value }
        #expect(order.numbers == [1, 2])
    }

    @Test func soManyOfOneClientWait() async throws {
        let share = FairShare(units: 3, limit: 2, patience: patience)
        let release = await occupy(3, of: share, as: one)
        let waiting = [one, one, other].map { client in Task { try await share.use(2, for: client) {} } }
        await wait(for: 3, share)
        await #expect(throws: Overload.ofClient) { try await share.use(1, for: one) {} }
        // What needs nothing need not wait.
        try await share.use(0, for: one) {}
        release()
        for each in waiting { try await each.value }
    }

    @Test func nobodyWaitsForever() async throws {
        let share = FairShare(units: 1, patience: .milliseconds(20))
        let release = await occupy(1, of: share, as: one)
        await #expect(throws: Overload.ofServer) { try await share.use(1, for: other) {} }
        #expect(share.waiting == 0)
        release()
    }

    @Test func whoLeavesMakesRoomForWhoCameLater() async throws {
        let share = FairShare(units: 10, patience: patience)
        let release = await occupy(6, of: share, as: one)
        let large = Task { try await share.use(8, for: other) {} }
        await wait(for: 1, share)
        let small = Task { try await share.use(4, for: one) {} }
        await wait(for: 2, share)
        large.cancel()
        await #expect(throws: CancellationError.self) { try await large.value }
        try await small.value
        release()
        // All is free again, also for what is larger than all.
        try await share.use(20, for: other) {}
    }

    @Test func aClientLeavesAsMuchFreeAsItUses() async throws {
        let share = FairShare(units: 12, keepsRoom: true, patience: patience)
        let releaseOne = await occupy(6, of: share, as: one)
        let more = Task { try await share.use(1, for: one) {} }
        await wait(for: 1, share)
        // A client that has enough does not keep others waiting.
        let releaseOther = await occupy(3, of: share, as: other)
        let last = Task { try await share.use(1, for: other) {} }
        await wait(for: 2, share)
        releaseOne()
        try await more.value
        try await last.value
        releaseOther()
        // Alone, a client may use all at once.
        try await share.use(12, for: one) {}
    }

    private final class OrderOfTurns: Sendable {
        private let all = Mutex<[Int]>([])
        var numbers: [Int] { all.withLock { $0 } }
        func add(_ number: Int) { all.withLock { $0.append(number) } }
    }
}

import RegistryServer
import Testing

struct UpstreamHealthTests {
    private let clock = ManualClock()
    private let health: UpstreamHealth

    init() { health = UpstreamHealth(clock: clock, logger: LogRecord().logger) }

    private let failing = UpstreamFailure(.failing, "500")

    /// Seconds until it is asked again.
    private func rest(_ failure: UpstreamFailure) -> Int {
        health.failed(failure)
        var seconds = 0
        while !health.mayCheck() {
            clock.advance(by: .seconds(1))
            seconds += 1
        }
        return seconds
    }

    @Test func restsBecomeLongerUpToALimit() {
        #expect(health.mayCheck())
        #expect((0..<7).map { _ in rest(failing) } == [10, 20, 40, 80, 160, 300, 300])
    }

    @Test(arguments: [(1, 1), (60, 60), (0, 1), (3600, 3600), (86_400, 3600)])
    func pausesAreHonouredWithinReason(_ asked: Int, _ expected: Int) {
        #expect(rest(UpstreamFailure(.unavailable, "503", retryAfter: .seconds(asked))) == expected)
    }

    /// Storage to which the upstream redirects may fail for itself.
    @Test func failuresOfOtherHostsDoNotCount() throws {
        var failure = UpstreamFailure(.unavailable, "503", retryAfter: .seconds(3600))
        failure.isOfAnotherHost = true
        let thrown = #expect(throws: UpstreamFailure.self) {
            try health.observe(within: UpstreamHealth.patience) { throw failure }
        }
        #expect(thrown == failure && health.mayCheck())
        try health.checkPause()
    }

    /// One list may be slow, and one client may ask for what is not answered well.
    @Test func listsAndBlobsSayLittleWhileTheUpstreamIsWell() {
        for kind in [UpstreamFailure.Kind.failing, .silent, .unavailable] {
            health.failedOther(UpstreamFailure(kind, "one list"))
            #expect(health.mayCheck() && health.mayCheck())
        }
        var refused = failing
        refused.isOfConnection = true
        health.failedOther(refused)
        #expect(!health.mayCheck())
        clock.advance(by: .seconds(10))
        #expect(health.mayCheck())
        // It is known to be unwell: silence counts.
        health.failedOther(UpstreamFailure(.silent, "still"))
        clock.advance(by: .seconds(19))
        #expect(!health.mayCheck())
    }

    /// The first of many requests that fail together counts.
    @Test func failuresAtTheSameTimeAreOne() {
        for _ in 0..<10 { health.failed(failing) }
        #expect(rest(failing) == 10)
        #expect(rest(failing) == 20)
    }

    @Test func afterARestOneRequestFindsOut() throws {
        _ = rest(failing)
        #expect(!health.mayCheck() && !health.mayCheck())
        // It was not heard of again.
        clock.advance(by: UpstreamHealth.patience)
        #expect(health.mayCheck())
        _ = try health.observe(within: .seconds(1)) { 1 }
        #expect(health.mayCheck() && health.mayCheck())
        #expect(rest(failing) == 10)
    }

    @Test func slowAnswersAreNotGood() throws {
        _ = rest(failing)
        try health.observe(within: .seconds(1)) { clock.advance(by: .milliseconds(1001)) }
        #expect(!health.mayCheck())
    }

    @Test(arguments: [
        UpstreamFailure(.limited, "429"), UpstreamFailure(.limited, "429", retryAfter: .seconds(20)),
        UpstreamFailure(.unavailable, "503", retryAfter: .seconds(20)),
    ])
    func nothingIsAskedDuringAPause(_ failure: UpstreamFailure) throws {
        try health.checkPause()
        health.failed(failure)
        // What was under way ends, well or not.
        _ = try health.observe(within: .seconds(1)) { 1 }
        health.failed(failing)
        let thrown = #expect(throws: UpstreamFailure.self) { try health.checkPause() }
        #expect(thrown?.kind == failure.kind && thrown?.retryAfter == failure.retryAfter ?? .seconds(10))
        clock.advance(by: .seconds(20))
        try health.checkPause()
    }

    @Test func anUpstreamThatIsDownMayStillBeAskedForWhatIsNotCached() throws {
        health.failed(failing)
        #expect(!health.mayCheck())
        try health.checkPause()
    }

    @Test func wrongContentSaysNothingOfTheRest() {
        #expect(throws: UpstreamFailure.self) {
            try health.observe(within: .seconds(1)) { throw UpstreamFailure(.wrong, "lies") }
        }
        #expect(health.mayCheck())
    }
}

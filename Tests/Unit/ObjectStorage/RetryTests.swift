import ObjectStorage
import Testing

/// How often and how long requests are retried.
struct StorageRetryTests {
    @Test func pausesDoubleAndAreBounded() {
        let policy = RetryPolicy()
        for failures in 0..<40 {
            let full = min(policy.longestPause, policy.firstPause * Double(1 << min(failures, 16)))
            for _ in 0..<10 {
                let pause = policy.pause(after: failures)
                #expect(pause >= full * 0.5 && pause <= full)
            }
        }
    }

    @Test func serversMayAskForMore() {
        let policy = RetryPolicy()
        #expect(policy.pause(after: 0, advice: .seconds(3)) == .seconds(3))
        #expect(policy.pause(after: 0, advice: .seconds(86400)) == policy.longestPause)
    }

    @Test func retriesEnd() {
        var policy = RetryPolicy()
        policy.times = 3
        var retries = Retries(policy, budget: RetryBudget())
        #expect((0..<5).map { _ in retries.next(nil) != nil } == [true, true, true, false, false])
        retries.progressed()
        #expect(retries.next(nil) != nil)
    }

    @Test func theTimeIsLimited() {
        var policy = RetryPolicy()
        policy.timeout = .seconds(1)
        var retries = Retries(policy, budget: RetryBudget())
        #expect(retries.next(.seconds(2)) == nil)
    }

    @Test func theBudgetIsShared() {
        let budget = RetryBudget()
        #expect((0..<200).count { _ in budget.take() } == 100)
        for _ in 0..<5 { budget.succeeded() }
        #expect(budget.take() && !budget.take())
    }

    @Test func aWrongClockIsCorrectedForSignatures() {
        let clock = ServerClock(local: { 1_000_000_000 })
        #expect(clock.now == 1_000_000_000 && !clock.correct())
        clock.note("Sun, 09 Sep 2001 03:46:40 GMT")
        #expect(clock.now == 1_000_007_200 && clock.signingTime == 1_000_000_000)
        #expect(clock.correct() && clock.signingTime == 1_000_007_200 && !clock.correct())
        clock.note("garbage")
        #expect(clock.now == 1_000_007_200)
    }
}

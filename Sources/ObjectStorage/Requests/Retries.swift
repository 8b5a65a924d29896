/// The retries of one request.
package struct Retries {
    private let policy: RetryPolicy
    private let budget: RetryBudget
    private var failures = 0
    private var start: ContinuousClock.Instant?
    /// Whether a try failed in a way that leaves open whether the server did its work.
    package var isAmbiguous = false

    package init(_ policy: RetryPolicy, budget: RetryBudget) {
        self.policy = policy
        self.budget = budget
    }

    /// Counts a failure.
    ///
    /// - Parameter advice: the pause that the server asks for.
    /// - Returns: the pause before the next try; nil if there is to be none.
    package mutating func next(_ advice: Duration?) -> Duration? {
        let now = ContinuousClock.now
        let start = self.start ?? now
        self.start = start
        let pause = policy.pause(after: failures, advice: advice)
        guard failures < policy.times, now + pause < start + policy.timeout, budget.take() else { return nil }
        failures += 1
        return pause
    }

    /// Something came through: the counting starts again.
    package mutating func progressed() {
        failures = 0
        start = nil
    }
}

import Synchronization

/// How often and how long requests are retried.
package struct RetryPolicy: Sendable {
    /// Retries of one request.
    package var times = 8
    /// From the first failure of a request, in total.
    package var timeout = Duration.seconds(120)
    /// The pause before the first retry; it doubles up to `longestPause`. Each is shortened by a random part.
    package var firstPause = Duration.milliseconds(100)
    package var longestPause = Duration.seconds(20)

    package init() {}

    /// How long to wait before the next retry.
    ///
    /// - Parameters:
    ///   - failures: of this request, before this one.
    ///   - advice: what the server asks for with `retry-after`.
    package func pause(after failures: Int, advice: Duration? = nil) -> Duration {
        let full = min(longestPause, firstPause * Double(1 << min(failures, 16)))
        let pause = full * Double.random(in: 0.5...1)
        return advice.map { max(pause, min($0, longestPause)) } ?? pause
    }
}

/// A budget that all requests to a bucket share: when everything fails, retries stop adding to the load.
package final class RetryBudget: Sendable {
    private static let capacity = 500
    private static let cost = 5
    private let tokens = Mutex(capacity)

    package init() {}

    /// - Returns: false when the budget is used up.
    package func take() -> Bool {
        tokens.withLock { tokens in
            guard tokens >= Self.cost else { return false }
            tokens -= Self.cost
            return true
        }
    }

    /// Each success earns a little.
    package func succeeded() { tokens.withLock { $0 = min(Self.capacity, $0 + 1) } }
}

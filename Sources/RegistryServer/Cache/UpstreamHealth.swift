package import Logging
import Synchronization

/// The health of a cache's upstream. After a failure, cached content is not checked against the upstream for a while.
package final class UpstreamHealth: Sendable {
    private struct State {
        /// Consecutive failures.
        var failures = 0
        /// End of the rest, in which only uncached content is requested.
        var restsUntil: Duration?
        /// Whether a request is testing the upstream after a rest.
        var isTried = false
        /// The failure with which the upstream asked for a pause, in which nothing is requested.
        var refusal: UpstreamFailure?
    }

    /// The longest time in which a healthy upstream answers.
    package static let patience = Duration.seconds(2)
    /// The longest pause that the upstream can ask for.
    private static let longestPause = Duration.seconds(3600)
    private static let shortestRest = Duration.seconds(10)
    private static let longestRest = Duration.seconds(300)

    private let state = Mutex(State())
    private let clock: any CacheClock
    private let logger: Logger

    package init(clock: any CacheClock, logger: Logger) {
        self.clock = clock
        self.logger = logger
    }

    /// Whether a cached image may be compared with the upstream's. After a rest, one request finds out how it is, while
    /// others go on without it.
    package func mayCheck() -> Bool {
        let now = clock.now
        return state.withLock { state in
            guard let end = state.restsUntil else { return true }
            guard now >= end else { return false }
            state.restsUntil = now + Self.patience
            state.isTried = true
            state.refusal = nil
            return true
        }
    }

    /// - Throws: the failure with which it asked for a pause, while that lasts.
    package func checkPause() throws(UpstreamFailure) {
        let now = clock.now
        let refusal = state.withLock { state -> UpstreamFailure? in
            guard var refusal = state.refusal, let end = state.restsUntil, now < end else { return nil }
            refusal.retryAfter = end - now
            return refusal
        }
        if let refusal { throw refusal }
    }

    /// Takes note of an answer about a tag or a manifest, or why there was none in time.
    package func observe<T>(within limit: Duration, _ request: () throws -> T) throws -> T {
        try observe(within: limit, request, onFailure: failed)
    }

    /// Likewise of an answer about a list or a blob.
    ///
    /// - Parameter limit: nil where an answer says little, for another host may have given it.
    func observeOther<T>(within limit: Duration?, _ request: () throws -> T) throws -> T {
        try observe(within: limit, request, onFailure: failedOther)
    }

    private func observe<T>(
        within limit: Duration?, _ request: () throws -> T, onFailure: (UpstreamFailure) -> Void
    ) throws -> T {
        let start = clock.now
        let answer: T
        do {
            answer = try request()
        } catch let failure as UpstreamFailure where failure.isGeneral {
            onFailure(failure)
            throw failure
        }
        if let limit, clock.now - start <= limit { answered() }
        return answer
    }

    /// Takes note that a list or a blob could not be had. While the upstream is well, that says little: one list may be
    /// slow, and a client may ask for what the upstream does not answer well.
    package func failedOther(_ failure: UpstreamFailure) {
        let isUnreachable = failure.isOfConnection && failure.kind != .silent
        let isUnwell = state.withLock { $0.failures > 0 }
        if isUnwell || isUnreachable || failure.kind == .limited || failure.retryAfter != nil { failed(failure) }
    }

    private func answered() {
        let now = clock.now
        let wasUnwell = state.withLock { state in
            // A pause that it asked for lasts, whatever was under way when it did.
            if state.refusal != nil, let end = state.restsUntil, now < end { return false }
            defer { state = State() }
            return state.failures > 0
        }
        if wasUnwell { logger.info("proxy: the upstream has recovered") }
    }

    /// Leaves the upstream alone for a while: longer each time, or for as long as it asked for.
    package func failed(_ failure: UpstreamFailure) {
        let now = clock.now
        let rest = state.withLock { state -> Duration? in
            let isResting = state.restsUntil.map { now < $0 } ?? false
            // What was under way when the rest began tells nothing new.
            guard !isResting || state.isTried || failure.retryAfter != nil else { return nil }
            state.isTried = false
            state.failures += 1
            let usual = min(Self.longestRest, Self.shortestRest * (1 << min(state.failures - 1, 10)))
            let rest = failure.retryAfter.map { max(.seconds(1), min($0, Self.longestPause)) } ?? usual
            let end = now + rest
            // Other failures do not shorten a pause that the upstream asked for.
            if let current = state.restsUntil, state.refusal != nil, current > end { return nil }
            state.restsUntil = end
            state.refusal = failure.kind == .limited || failure.retryAfter != nil ? failure : nil
            return rest
        }
        guard let rest else { return }
        logger.warning(
            "proxy: the upstream is failing; cached tags are not checked for \(rest.components.seconds) s: \(failure)")
    }
}

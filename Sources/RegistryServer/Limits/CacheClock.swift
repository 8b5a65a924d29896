/// Time as a cache sees it.
package protocol CacheClock: Sendable {
    /// Time since some moment in the past.
    var now: Duration { get }
    func sleep(for duration: Duration) async throws
}

/// The time of this machine.
struct SystemClock: CacheClock {
    private let start = ContinuousClock.now

    var now: Duration { start.duration(to: .now) }

    func sleep(for duration: Duration) async throws { try await Task.sleep(for: duration) }
}

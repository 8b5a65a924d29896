import Synchronization

/// The files that a run counts on, though nothing refers to them yet.
///
/// A garbage collection spares what was touched lately. A copy may take longer than that between the look and
/// the link, so whatever it was told is there is touched again now and then.
final class StoreReliance: Sendable {
    private struct State {
        var paths: Set<String> = []
        var touched = ContinuousClock.now
    }

    private let state = Mutex(State())
    /// A fraction of the collector's standard grace time.
    private static let interval = Duration.seconds(600)

    /// Remembers a file that was touched.
    func add(_ path: String) { state.withLock { _ = $0.paths.insert(path) } }

    func contains(_ path: String) -> Bool { state.withLock { $0.paths.contains(path) } }

    /// Those that are to be touched again now: all of them, or none.
    func due() -> Set<String> {
        state.withLock { state in
            guard ContinuousClock.now - state.touched > Self.interval else { return [] }
            state.touched = .now
            return state.paths
        }
    }

    func forget() { state.withLock { $0.paths = [] } }
}

import ByteStreams
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

    /// Touches a file and remembers it.
    ///
    /// - Returns: whether it is there.
    func add(_ path: String) throws -> Bool {
        guard try touch(path) else { return false }
        state.withLock { _ = $0.paths.insert(path) }
        return true
    }

    func contains(_ path: String) -> Bool { state.withLock { $0.paths.contains(path) } }

    /// Touches all of them, if that is due. Cheap otherwise.
    func refresh() throws {
        let due: Set<String> = state.withLock { state in
            guard ContinuousClock.now - state.touched > Self.interval else { return [] }
            state.touched = .now
            return state.paths
        }
        for path in due { _ = try touch(path) }
    }

    func forget() { state.withLock { $0.paths = [] } }
}

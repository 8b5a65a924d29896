package import ByteStreams
import Glibc
import ImageModel
import Synchronization

/// The agreement between whoever adds to a store and whoever collects its garbage, in any number of processes.
///
/// A writer looks whether something is there, relies on it, and then writes what refers to it. For as long as
/// that takes (one manifest, one tag, one blob's commit: not a whole push) it holds the store *for use*, and it
/// touches every file that it relies on. The collector marks without a lock, and holds the store *for sweeping*
/// for each short batch of deletions: before it deletes a file it looks at its times once more, and leaves what
/// was written or touched since it started. So between the writer's look and its link nothing is deleted, and
/// afterwards the file is too young to go.
///
/// Locks are `flock`s on `ROOT/.dray/lock`, which only those can read who may write in the store, and end with their process. Never take one while holding one: a
/// sweeper that waits keeps new users out, so that it gets its turn. Blocks: call it on a worker.
package final class StoreLock: Sendable {
    private let gate: DirectoryLock?
    private let lock: DirectoryLock

    private init(gate: DirectoryLock?, lock: DirectoryLock) {
        self.gate = gate
        self.lock = lock
    }

    /// Below the root.
    private static let path = ".dray/lock"
    private static let gate = "\(path)/gate"
    private static let collector = "\(path)/collector"

    /// Waits until nobody sweeps. Any number of users may hold the store at once.
    ///
    /// - Parameters:
    ///   - root: the store's, above `docker/registry/v2`.
    ///   - patience: as for `DirectoryLock`.
    package static func forUse(of root: DirectoryHandle, patience: Duration? = nil) throws -> StoreLock {
        try prepare(root)
        return try shared(root, patience)
    }

    /// For those who only look and touch: they make nothing where no collector ever was.
    ///
    /// - Returns: nil there, and for whoever may not write in the store.
    static func forLook(at root: DirectoryHandle, patience: Duration? = nil) throws -> StoreLock? {
        do {
            guard try preparation.withLock({ _ in try root.status(gate)?.isDirectory == true }) else { return nil }
            return try shared(root, patience)
        } catch let error as ImageError where error.errno == EACCES {
            return nil
        }
    }

    private static func shared(_ root: DirectoryHandle, _ patience: Duration?) throws -> StoreLock {
        let gate = try DirectoryLock.waiting(.shared, on: Self.gate, in: root, patience: patience)
        defer { withExtendedLifetime(gate) {} }
        return StoreLock(
            gate: nil, lock: try DirectoryLock.waiting(.shared, on: path, in: root, patience: patience))
    }

    /// Waits until nobody uses the store or sweeps it, and keeps everybody out.
    static func forSweeping(_ root: DirectoryHandle, patience: Duration? = nil) throws -> StoreLock {
        try prepare(root)
        // New users wait at the gate, so those who are in get fewer.
        let gate = try DirectoryLock.waiting(.exclusive, on: Self.gate, in: root, patience: patience)
        return StoreLock(
            gate: gate, lock: try DirectoryLock.waiting(.exclusive, on: path, in: root, patience: patience))
    }

    /// There is one collector at a time.
    ///
    /// - Returns: nil if there is one already.
    static func forCollecting(_ root: DirectoryHandle) throws -> DirectoryLock? {
        try prepare(root)
        return try DirectoryLock.trying(.exclusive, on: collector, in: root)
    }

    /// The time by the clock that stamps the store's files, which may be another machine's: nanoseconds since 1970.
    static func now(_ root: DirectoryHandle) throws -> Int64 { min(try stamp(root), fileTime()) }

    private static func stamp(_ root: DirectoryHandle) throws -> Int64 {
        // Where that cannot be done, the time would be one of long ago, before which nothing was left behind.
        try root.openToWrite(collector).stampNow()
    }

    /// A time by the same clock that is later than every touch before the call, and no later than any touch after it.
    /// Waits for the clock's next tick, a few milliseconds. With the store held for sweeping.
    static func moment(_ root: DirectoryHandle) throws -> Int64 {
        let before = try stamp(root)
        for _ in 0..<200 {
            let time = try stamp(root)
            if time > before { return time }
            usleep(500)
        }
        // The clock stands still or was set back: files of this very time do not count as older.
        return before
    }

    /// Held while the directories are looked for and made: nobody is to meet one that is not its owner's yet.
    private static let preparation = Mutex<Void>(())

    private static func prepare(_ root: DirectoryHandle) throws {
        try preparation.withLock { _ in
            // Nobody gets to those below that gets no further than this one.
            try root.makePrivateDirectory(path)
            for place in [gate, collector] where try root.status(place)?.isDirectory != true {
                try root.makePrivateDirectory(place)
            }
        }
    }

    /// Runs `body` with the store held for use.
    package static func using<T>(
        _ root: DirectoryHandle, patience: Duration? = nil, _ body: () throws -> T
    ) throws -> T {
        let lock = try forUse(of: root, patience: patience)
        defer { withExtendedLifetime(lock) {} }
        return try body()
    }
}

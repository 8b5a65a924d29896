import ByteStreams
import Glibc

/// The agreement between whoever adds to a store and whoever collects its garbage, in any number of processes.
///
/// A writer looks whether something is there, relies on it, and then writes what refers to it. For as long as
/// that takes (one manifest, one tag, one blob's commit: not a whole push) it holds the store *for use*, and it
/// touches every file that it relies on. The collector marks without a lock, and holds the store *for sweeping*
/// for each short batch of deletions: before it deletes a file it looks at its times once more, and leaves what
/// was written or touched since it started. So between the writer's look and its link nothing is deleted, and
/// afterwards the file is too young to go.
///
/// Locks are `flock`s on `ROOT/.dray/lock` and end with their process. Never take one while holding one: a
/// sweeper that waits keeps new users out, so that it gets its turn. Blocks: call it on a worker.
public final class StoreLock: Sendable {
    private let gate: DirectoryLock?
    private let lock: DirectoryLock

    private init(gate: DirectoryLock?, lock: DirectoryLock) {
        self.gate = gate
        self.lock = lock
    }

    /// Below the root.
    private static let path = ".dray/lock"

    private static func place(_ root: String) -> String { "\(root)/\(path)" }

    /// Waits until nobody sweeps. Any number of users may hold the store at once.
    ///
    /// - Parameter root: the store's, above `docker/registry/v2`.
    public static func forUse(of root: String) throws -> StoreLock {
        try prepare(root)
        return try shared(root)
    }

    /// For those who only look and touch: they make nothing where no collector ever was.
    static func forLook(at root: String) throws -> StoreLock? {
        guard try fileKind("\(place(root))/gate") == .directory else { return nil }
        return try shared(root)
    }

    private static func shared(_ root: String) throws -> StoreLock {
        let gate = try DirectoryLock.waiting(.shared, on: "\(place(root))/gate")
        defer { withExtendedLifetime(gate) {} }
        return StoreLock(gate: nil, lock: try DirectoryLock.waiting(.shared, on: place(root)))
    }

    /// Waits until nobody uses the store or sweeps it, and keeps everybody out.
    static func forSweeping(_ root: String) throws -> StoreLock {
        try prepare(root)
        // New users wait at the gate, so those who are in get fewer.
        let gate = try DirectoryLock.waiting(.exclusive, on: "\(place(root))/gate")
        return StoreLock(gate: gate, lock: try DirectoryLock.waiting(.exclusive, on: place(root)))
    }

    /// There is one collector at a time.
    ///
    /// - Returns: nil if there is one already.
    static func forCollecting(_ root: String) throws -> DirectoryLock? {
        try prepare(root)
        return try DirectoryLock.trying(.exclusive, on: "\(place(root))/collector")
    }

    /// The time by the clock that stamps the store's files, which may be another machine's: nanoseconds since 1970.
    static func now(_ root: String) throws -> Int64 {
        let file = "\(place(root))/collector"
        // Where that cannot be done, the time would be one of long ago, before which nothing was left behind.
        try systemCall("touch", file) { utimensat(AT_FDCWD, file, nil, 0) }
        let status = try DirectoryHandle.open(file)?.status(".")
        return min(status?.changed ?? .max, fileTime())
    }

    private static func prepare(_ root: String) throws {
        for name in ["gate", "collector"] where try fileKind("\(place(root))/\(name)") != .directory {
            let ownership = try Ownership(of: root)
            try makeDirectories(root, ownership: ownership)
            try DirectoryTree(root).makeDirectory("\(path)/\(name)", ownership: ownership)
        }
    }

    /// Runs `body` with the store held for use.
    package static func using<T>(_ root: String, _ body: () throws -> T) throws -> T {
        let lock = try forUse(of: root)
        defer { withExtendedLifetime(lock) {} }
        return try body()
    }
}

import Glibc

/// A lock on a directory, held until this goes away. It needs no file of its own and ends with the process.
public final class DirectoryLock: Sendable {
    public enum Kind: Sendable {
        case shared
        case exclusive

        fileprivate var operation: Int32 { self == .shared ? LOCK_SH : LOCK_EX }
    }

    private let descriptor: Int32

    private init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// Waits until it can be had.
    public static func waiting(_ kind: Kind, on path: String) throws -> DirectoryLock {
        let lock = DirectoryLock(try open(path))
        try systemCall("lock", path) { flock(lock.descriptor, kind.operation) }
        return lock
    }

    /// - Returns: nil if somebody else has it.
    public static func trying(_ kind: Kind, on path: String) throws -> DirectoryLock? {
        let lock = DirectoryLock(try open(path))
        return try tryLock(lock.descriptor, kind.operation, path) ? lock : nil
    }

    private static func open(_ path: String) throws -> Int32 {
        try systemCall("open", path) { Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    }

    deinit { close(descriptor) }
}

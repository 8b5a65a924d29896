import Glibc
import ImageModel

/// A lock on a directory, held until this goes away. It needs no file of its own and ends with the process.
///
/// Whoever may read the directory can hold its lock: see `DirectoryHandle.makePrivateDirectory`.
package final class DirectoryLock: Sendable {
    package enum Kind: Sendable {
        case shared
        case exclusive

        fileprivate var operation: Int32 { self == .shared ? LOCK_SH : LOCK_EX }
    }

    private let descriptor: Int32

    private init(_ relative: String, in directory: DirectoryHandle) throws {
        guard let opened = try directory.openIfThere(relative, O_DIRECTORY) else {
            throw ImageError.io(operation: "open", path: "\(directory.path)/\(relative)", errno: ENOENT)
        }
        descriptor = opened.descriptor
    }

    /// Waits until it can be had. Whoever waits long is told to `LockWaits.report`.
    ///
    /// - Parameters:
    ///   - relative: of the directory that is locked.
    ///   - patience: time to wait; nil for as long as it takes.
    /// - Throws: `ImageError.io` with `EWOULDBLOCK` when that time is over.
    package static func waiting(
        _ kind: Kind, on relative: String = ".", in directory: DirectoryHandle, patience: Duration? = nil
    ) throws -> DirectoryLock {
        let lock = try DirectoryLock(relative, in: directory)
        let path = relative == "." ? directory.path : "\(directory.path)/\(relative)"
        if try !tryLock(lock.descriptor, kind.operation, path) {
            try LockWaits.wait(for: lock.descriptor, kind.operation, path, patience)
        }
        return lock
    }

    /// - Returns: nil if somebody else has it.
    package static func trying(
        _ kind: Kind, on relative: String = ".", in directory: DirectoryHandle
    ) throws -> DirectoryLock? {
        let lock = try DirectoryLock(relative, in: directory)
        return try tryLock(lock.descriptor, kind.operation, "\(directory.path)/\(relative)") ? lock : nil
    }

    deinit { close(descriptor) }
}

import ImageModel
import Synchronization

/// A directory that is only read. A run may read any number of them: those that were opened last stay open, and the others
/// are opened again when they are needed, if the same directory is still there.
package final class ReadDirectory: Sendable {
    private struct Opened {
        weak var handle: DirectoryHandle?
        var identity: FileIdentity?
    }

    package let path: String
    private let shared: String?
    private let opened = Mutex(Opened())
    /// nil for one that may be closed at times.
    private let kept: DirectoryHandle?

    /// The ones that were opened last, two descriptors each.
    private static let recent = Mutex<[DirectoryHandle]>([])
    private static let recentLimit = 16

    /// - Parameter shared: as of a `DirectoryHandle`.
    package init(_ path: String, shared: String? = nil) {
        self.path = path
        self.shared = shared
        kept = nil
    }

    /// One that is open already, and stays so.
    package init(_ handle: DirectoryHandle) {
        path = handle.path
        shared = nil
        kept = handle
    }

    deinit {
        guard let handle = opened.withLock({ $0.handle }) else { return }
        Self.recent.withLock { $0.removeAll { $0 === handle } }
    }

    /// - Returns: nil if there is no such directory.
    /// - Throws: `ImageError.damaged` if it is another directory than before.
    package func ifThere() throws -> DirectoryHandle? {
        if let kept { return kept }
        return try opened.withLock { opened in
            if let handle = opened.handle { return handle }
            guard let handle = try DirectoryHandle.open(path, shared: shared) else { return nil }
            let identity = try handle.status(".")?.identity
            if let known = opened.identity, known != identity {
                throw ImageError.damaged("\(path): another directory was put in its place; run the command again")
            }
            opened = Opened(handle: handle, identity: identity)
            Self.recent.withLock { recent in
                if recent.count == Self.recentLimit { recent.removeFirst() }
                recent.append(handle)
            }
            return handle
        }
    }
}

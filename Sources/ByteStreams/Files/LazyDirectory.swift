import Synchronization

/// A directory that is written, and may still have to be made: open from its first use on, and then the same one, whatever
/// comes to be at its path.
package final class LazyDirectory: Sendable {
    package let path: String
    private let reach: LinkReach
    private let shared: String?
    private let opened = Mutex<DirectoryHandle?>(nil)

    /// - Parameters:
    ///   - reach: as of a `DirectoryHandle`.
    ///   - shared: likewise.
    package init(_ path: String, reach: LinkReach = .inside, shared: String? = nil) {
        self.path = path
        self.reach = reach
        self.shared = shared
    }

    /// nil as long as there is none.
    package func ifThere() throws -> DirectoryHandle? {
        try opened.withLock { opened in
            if opened == nil { opened = try DirectoryHandle.open(path, reach: reach, shared: shared) }
            return opened
        }
    }

    /// Made as far as it is missing.
    package func made() throws -> DirectoryHandle {
        try opened.withLock { opened in
            if let opened { return opened }
            let made = try DirectoryHandle.make(path, reach: reach, shared: shared)
            opened = made
            return made
        }
    }
}

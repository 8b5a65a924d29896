package import ByteStreams
import Synchronization

/// A staging area that is made when it is needed first: a place that is only looked at is not written to.
package final class LazyStagingArea: Sendable {
    private let root: LazyDirectory
    private let quarantine: Quarantine?
    private let patience: Duration?
    private let opened = Mutex<StagingArea?>(nil)

    /// - Parameters:
    ///   - root: is made with it.
    ///   - patience: as for `DirectoryLock`.
    package init(_ root: LazyDirectory, quarantine: Quarantine? = nil, patience: Duration? = nil) {
        self.root = root
        self.quarantine = quarantine
        self.patience = patience
    }

    package func area() throws -> StagingArea {
        try opened.withLock { opened in
            if let opened { return opened }
            let new = try StagingArea(root.made(), quarantine: quarantine, patience: patience)
            opened = new
            return new
        }
    }

    /// Gives it up; the next who needs one makes it anew.
    package func close() { opened.withLock { $0 = nil } }
}

import Synchronization

/// A staging area that is made when it is needed first: a place that is only looked at is not written to.
final class LazyStagingArea: Sendable {
    private let root: String
    private let shared: String?
    private let quarantine: Quarantine?
    private let opened = Mutex<StagingArea?>(nil)

    /// - Parameter shared: as of a `StagingArea`.
    init(root: String, shared: String? = nil, quarantine: Quarantine? = nil) {
        self.root = root
        self.shared = shared
        self.quarantine = quarantine
    }

    func area() throws -> StagingArea {
        try opened.withLock { opened in
            if let opened { return opened }
            let new = try StagingArea(root: root, shared: shared, quarantine: quarantine)
            opened = new
            return new
        }
    }

    /// Gives it up; the next who needs one makes it anew.
    func close() { opened.withLock { $0 = nil } }
}

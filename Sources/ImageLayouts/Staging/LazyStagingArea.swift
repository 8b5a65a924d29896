import Synchronization

/// A staging area that is made when it is needed first: a place that is only looked at is not written to.
final class LazyStagingArea: Sendable {
    private let root: String
    private let quarantine: Quarantine?
    private let opened = Mutex<StagingArea?>(nil)

    init(root: String, quarantine: Quarantine? = nil) {
        self.root = root
        self.quarantine = quarantine
    }

    func area() throws -> StagingArea {
        try opened.withLock { opened in
            if let opened { return opened }
            let new = try StagingArea(root: root, quarantine: quarantine)
            opened = new
            return new
        }
    }

    /// Gives it up; the next who needs one makes it anew.
    func close() { opened.withLock { $0 = nil } }
}

import ByteStreams
import Glibc
import ImageModel
import Synchronization

/// Where one run keeps what it deletes or replaces: `.dray/quarantine/<time>` below the place's root. It is made when the
/// first thing is taken.
///
/// A store's `gc --undo` puts back what was deleted; see `StoreQuarantine`.
final class Quarantine: Sendable {
    private struct Item: Encodable {
        var path: String
        var size: Int64
    }

    private struct Run {
        var id: String
        var items: [Item] = []
    }

    private let root: String
    /// Keeps nothing aside itself, for everything in the quarantine is put back one day. It is there from the begin, so
    /// that what a killed run has left goes even where this one has nothing to write.
    private let area: StagingArea
    private let run = Mutex<Run?>(nil)

    /// Of all runs, below the root.
    static let path = ".dray/quarantine"

    private var all: String { "\(root)/\(Self.path)" }

    /// - Parameter root: the place's.
    init(root: String) throws {
        self.root = root
        area = try StagingArea(root: root)
    }

    /// Moves a file away.
    ///
    /// - Parameter path: below the root.
    func take(_ path: String, size: Int64) throws {
        let target = try place(for: path)
        try systemCall("move to \(target)", "\(root)/\(path)") { rename("\(root)/\(path)", target) }
        note(Item(path: path, size: size))
    }

    /// Keeps a file that is about to be replaced: it has its name until then.
    ///
    /// - Parameter path: below the root.
    func keep(_ path: String) throws {
        let target = try place(for: path)
        let size = try fileSize("\(root)/\(path)") ?? 0
        try systemCall("keep as \(target)", "\(root)/\(path)") { link("\(root)/\(path)", target) }
        note(Item(path: path, size: size))
    }

    private func note(_ item: Item) { run.withLock { $0?.items.append(item) } }

    private func place(for path: String) throws -> String {
        let own = "\(all)/\(try id())/\(path)"
        var target = own
        var number = 1
        // What is replaced twice in one run is kept twice.
        while try fileKind(target, followingLinks: false) != nil {
            number += 1
            target = "\(own).\(number)"
        }
        try area.makeDirectory(at: parent(of: target))
        return target
    }

    private func id() throws -> String {
        try run.withLock { run in
            if let run { return run.id }
            let base = Timestamp.format(Timestamp.now, "%Y%m%dT%H%M%SZ")
            var id = base
            var number = 1
            while try fileKind("\(all)/\(id)") != nil {
                number += 1
                id = "\(base)-\(number)"
            }
            try area.makeDirectory(at: "\(all)/\(id)")
            run = Run(id: id)
            return id
        }
    }

    /// At the end of a run, whatever its end: writes down what was taken, for people. Putting back goes by the files
    /// themselves.
    ///
    /// - Returns: the id; nil if nothing was taken.
    func settle() throws -> String? {
        guard let run = run.withLock({ $0 }) else { return nil }
        let place = "\(all)/\(run.id)"
        guard !run.items.isEmpty else {
            try removeTree(place)
            return nil
        }
        try area.write(Document.encode(run.items, pretty: true), to: "\(place)/list.json")
        return run.id
    }
}

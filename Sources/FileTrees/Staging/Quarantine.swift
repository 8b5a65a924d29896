package import ByteStreams
import ImageModel
import ImageTransfer
import Synchronization

/// Where one run keeps what it deletes or replaces: `.dray/quarantine/<time>` below the place's root. It is made when the
/// first thing is taken.
///
/// A store's `gc --undo` puts back what was deleted; see `StoreQuarantine`.
package final class Quarantine: Sendable {
    private struct Item: Encodable {
        var path: String
        var size: Int64
    }

    private struct Run {
        var id: String
        var items: [Item] = []
    }

    /// Keeps nothing aside itself, for everything in the quarantine is put back one day. It is there from the begin, so
    /// that what a killed run has left goes even where this one has nothing to write.
    private let area: StagingArea
    private let run = Mutex<Run?>(nil)

    /// Of all runs, below the root.
    package static let path = ".dray/quarantine"

    private var root: DirectoryHandle { area.root }

    /// - Parameter root: the place's.
    package init(_ root: DirectoryHandle) throws { area = try StagingArea(root) }

    /// Moves a file away.
    ///
    /// - Parameter path: below the root.
    package func take(_ path: String, size: Int64) throws {
        let target = try place(for: path)
        try root.move(path, to: target, lasting: false)
        note(Item(path: path, size: size))
    }

    /// Keeps a file that is about to be replaced: it has its name until then.
    ///
    /// - Parameter path: below the root.
    func keep(_ path: String) throws {
        let target = try place(for: path)
        let size = try root.size(path) ?? 0
        guard try root.link(path, as: target) else {
            throw ImageError.refused("\(root.path)/\(target) came to be just now; run the command again")
        }
        note(Item(path: path, size: size))
    }

    private func note(_ item: Item) { run.withLock { $0?.items.append(item) } }

    private func place(for path: String) throws -> String {
        let own = "\(Self.path)/\(try id())/\(path)"
        var target = own
        var number = 1
        // What is replaced twice in one run is kept twice.
        while try root.kind(target) != nil {
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
            while try root.kind("\(Self.path)/\(id)") != nil {
                number += 1
                id = "\(base)-\(number)"
            }
            try area.makeDirectory(at: "\(Self.path)/\(id)")
            run = Run(id: id)
            return id
        }
    }

    /// At the end of a run, whatever its end: writes down what was taken, for people. Putting back goes by the files
    /// themselves.
    ///
    /// - Returns: the id; nil if nothing was taken.
    package func settle() throws -> String? {
        guard let run = run.withLock({ $0 }) else { return nil }
        let place = "\(Self.path)/\(run.id)"
        guard !run.items.isEmpty else {
            try root.removeTree(place)
            return nil
        }
        try area.write(Document.encode(run.items, pretty: true), to: "\(place)/list.json")
        return run.id
    }
}

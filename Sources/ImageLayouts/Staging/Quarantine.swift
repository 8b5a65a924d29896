import ByteStreams
import Glibc
import ImageModel
import Synchronization

/// Where one run keeps what it deletes or replaces: `.dray/quarantine/<time>` below the place's root.
///
/// A store's `gc --undo` puts back what was deleted; see `StoreQuarantine`.
final class Quarantine: Sendable {
    private struct Item: Encodable {
        var path: String
        var size: Int64
    }

    let id: String
    private let root: String
    /// Keeps nothing aside itself, for everything in the quarantine is put back one day. It is there from the begin, so
    /// that what a killed run has left goes even where this one has nothing to write.
    private let area: StagingArea
    private let items = Mutex<[Item]>([])

    private var place: String { "\(root)/.dray/quarantine/\(id)" }

    /// - Parameter root: the place's.
    init(root: String) throws {
        self.root = root
        area = try StagingArea(root: root)
        let base = Timestamp.format(Timestamp.now, "%Y%m%dT%H%M%SZ")
        var name = base
        var number = 1
        while try fileKind("\(root)/.dray/quarantine/\(name)") != nil {
            number += 1
            name = "\(base)-\(number)"
        }
        id = name
        try makeDirectories("\(root)/.dray/quarantine/\(name)", ownership: area.ownership)
    }

    /// Moves a file away.
    ///
    /// - Parameter path: below the root.
    func take(_ path: String, size: Int64) throws {
        let target = try place(for: path)
        try systemCall("move to \(target)", "\(root)/\(path)") { rename("\(root)/\(path)", target) }
        items.withLock { $0.append(Item(path: path, size: size)) }
    }

    /// Keeps a file that is about to be replaced: it has its name until then.
    ///
    /// - Parameter path: below the root.
    func keep(_ path: String) throws {
        let target = try place(for: path)
        let size = try fileSize("\(root)/\(path)") ?? 0
        try systemCall("keep as \(target)", "\(root)/\(path)") { link("\(root)/\(path)", target) }
        items.withLock { $0.append(Item(path: path, size: size)) }
    }

    private func place(for path: String) throws -> String {
        var target = "\(place)/\(path)"
        var number = 1
        // What is replaced twice in one run is kept twice.
        while try fileKind(target, followingLinks: false) != nil {
            number += 1
            target = "\(place)/\(path).\(number)"
        }
        try makeDirectories(parent(of: target), ownership: area.ownership)
        return target
    }

    /// At the end of a run: what is empty goes.
    ///
    /// - Returns: the id; nil if nothing was taken.
    func settle() throws -> String? {
        guard items.withLock({ $0.isEmpty }) else {
            try finish()
            return id
        }
        try removeTree(place)
        return nil
    }

    /// Writes down what was taken, for people: putting back goes by the files themselves.
    func finish() throws {
        let list = try items.withLock { try Document.encode($0, pretty: true) }
        try area.write(list, to: "\(place)/list.json")
    }
}

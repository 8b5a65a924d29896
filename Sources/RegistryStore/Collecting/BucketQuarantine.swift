import ByteStreams
import FoundationEssentials
import ImageModel
import ObjectStorage

/// What garbage collections of a bucket moved away instead of deleting it, under the same paths as in a directory: see
/// `StoreQuarantine`.
struct BucketQuarantine {
    let tree: StoreBucket
    private static let root = ".dray/quarantine"

    /// What one collection takes.
    final class Run {
        private struct Item: Encodable {
            var path: String
            var size: Int64
        }

        private let tree: StoreBucket
        private let id: String
        private var items: [Item] = []

        init(in tree: StoreBucket) throws {
            self.tree = tree
            let time = Timestamp.format(tree.place.bucket.now, "%Y%m%dT%H%M%SZ")
            let known = try BucketQuarantine(tree: tree).ids()
            id = known.contains(time) ? "\(time)-\(known.count)" : time
        }

        /// Copies files; the caller deletes them afterwards.
        func take(_ files: [(path: String, size: Int64)]) throws {
            let place = tree.place, target = "\(BucketQuarantine.root)/\(id)"
            _ = try tree.inParallel(files) { file, _ in
                try place.copy(file.path, to: "\(target)/\(file.path)", size: file.size)
            }
            items += files.map { Item(path: $0.path, size: $0.size) }
        }

        /// - Returns: the run's id; nil if nothing was taken.
        func settle() throws -> String? {
            guard !items.isEmpty else { return nil }
            try tree.put(Array(try JSONEncoder().encode(items)), at: "\(BucketQuarantine.root)/\(id)/list.json")
            return id
        }
    }

    private func ids() throws -> [String] { try tree.list(Self.root) ?? [] }

    /// Paths below the store's root above `docker`, and bytes.
    private func files(_ id: String) throws -> [(path: String, size: Int64)] {
        let directory = "\(Self.root)/\(id)"
        return try tree.place.objects(below: directory).map { object in
            (String(tree.place.path(ofKey: object.key).dropFirst(directory.count + 1)), object.size)
        }.filter { $0.path.hasPrefix("docker/") }
    }

    func entries() throws -> [StoreQuarantine.Entry] {
        try ids().map { id in
            let files = try files(id)
            return StoreQuarantine.Entry(id: id, files: files.count, bytes: files.reduce(0) { $0 + $1.size })
        }
    }

    /// - Parameter id: nil for the latest.
    private func find(_ id: String?) throws -> String {
        let known = try ids()
        guard let id else {
            guard let latest = known.last else {
                throw ImageError.notFound("\(tree.title): the quarantine is empty")
            }
            return latest
        }
        guard known.contains(id) else {
            let there = known.isEmpty ? "it is empty" : "there is \(known.joined(separator: ", "))"
            throw ImageError.notFound("\(tree.title): the quarantine has no \(id): \(there)")
        }
        return id
    }

    func restore(_ id: String?, isExclusive: Bool) throws -> StoreQuarantine.Restoration {
        let hold = try tree.lock.hold(isExclusive: isExclusive)
        defer { try? hold.end() }
        var result = StoreQuarantine.Restoration(id: try find(id))
        let place = tree.place, source = "\(Self.root)/\(result.id)"
        var done: [String] = []
        for file in try files(result.id).sorted(by: { StoreQuarantine.order($0.path) < StoreQuarantine.order($1.path) })
        {
            try hold.renew()
            guard StorePaths.standard.isStoreFile(file.path) else {
                result.foreign.append(file.path)
                continue
            }
            guard try tree.size(of: file.path) == nil else {
                result.occupied.append(file.path)
                continue
            }
            try place.copy("\(source)/\(file.path)", to: file.path, size: file.size)
            done.append(place.key("\(source)/\(file.path)"))
            result.restored += 1
            result.bytes += file.size
        }
        if result.occupied.isEmpty, result.foreign.isEmpty { done.append(place.key("\(source)/list.json")) }
        try tree.remove(keys: done)
        return result
    }

    /// - Parameter id: nil for all of them.
    func purge(_ id: String?) throws -> [StoreQuarantine.Entry] {
        let wanted = try id.map { [try find($0)] } ?? ids()
        let gone = try entries().filter { wanted.contains($0.id) }
        for entry in gone { try tree.remove(directory: "\(Self.root)/\(entry.id)") }
        return gone
    }
}

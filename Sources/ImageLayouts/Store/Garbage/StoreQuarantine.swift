import ByteStreams
import Glibc
import ImageModel
import ImageTransfer

/// What garbage collections moved away instead of deleting it, and repairs before they replaced it, each run in a
/// directory of its own.
///
/// ```
/// .dray/quarantine/<id>/list.json                          what was taken: [{"path", "size"}]
/// .dray/quarantine/<id>/docker/registry/v2/...             the files, at the paths that they had
/// ```
/// The id is the time of the run, UTC: `20261124T221528Z`.
public struct StoreQuarantine: Sendable {
    /// One run's.
    public struct Entry: Sendable {
        public var id: String
        public var files: Int
        /// In all.
        public var bytes: Int64
    }

    /// What putting back did.
    public struct Restoration: Sendable {
        public var id: String
        public var restored = 0
        /// Restored ones.
        public var bytes: Int64 = 0
        /// Files that are in the store again anyhow: theirs are left in the quarantine.
        public var occupied: [String] = []
    }

    private let root: String
    private var place: String { "\(root)/\(Quarantine.path)" }

    /// - Parameter root: the store's, above `docker/registry/v2`.
    public init(root: String) { self.root = root }

    /// Oldest first.
    public func entries() throws -> [Entry] {
        try ids().map { id in
            let files = try files(id)
            return Entry(
                id: id, files: files.count, bytes: try files.reduce(0) { try $0 + size("\(place)/\(id)/\($1)") })
        }
    }

    private func ids() throws -> [String] {
        guard try DirectoryTree(root).hasDirectory(Quarantine.path) else { return [] }
        return try (listDirectory(place) ?? []).filter {
            try fileKind("\(place)/\($0)", followingLinks: false) == .directory
        }
    }

    private func size(_ path: String) throws -> Int64 { try fileSize(path) ?? 0 }

    /// Paths below the run's directory: blobs first, tags last, as a registry would write them.
    private func files(_ id: String) throws -> [String] {
        var found: [String] = []
        func visit(_ relative: String) throws {
            for name in try listDirectory("\(place)/\(id)/\(relative)") ?? [] {
                let path = "\(relative)/\(name)"
                switch try fileKind("\(place)/\(id)/\(path)", followingLinks: false) {
                case .directory: try visit(path)
                case .file: found.append(path)
                case .link, .other, nil: break
                }
            }
        }
        try visit("docker")
        func rank(_ path: String) -> Int {
            let places = ["/v2/blobs/", "/_layers/", "/_manifests/revisions/"]
            return places.firstIndex { path.contains($0) } ?? places.count
        }
        return found.sorted { (rank($0), $0) < (rank($1), $1) }
    }

    /// - Parameter id: nil for the latest.
    private func find(_ id: String?) throws -> String {
        let known = try ids()
        guard let id else {
            // A run that was killed may have made a directory, and taken nothing.
            guard let latest = try known.last(where: { try !files($0).isEmpty }) else {
                throw TransferError.notFound("\(place) is empty: nothing was moved there")
            }
            return latest
        }
        guard known.contains(id) else {
            let there = known.isEmpty ? "it is empty" : "there is \(known.joined(separator: ", "))"
            throw TransferError.notFound("\(place) has no \(id): \(there)")
        }
        return id
    }

    /// Puts back what one run took, and overwrites nothing. Safe to be ended at any moment and started again.
    ///
    /// - Parameter id: nil for the latest.
    public func restore(_ id: String?) async throws -> Restoration {
        try await Workers.blobs.run { [self] in
            let collector = try collecting()
            defer { withExtendedLifetime(collector) {} }
            var result = Restoration(id: try find(id))
            let ownership = try Ownership(of: root), tree = DirectoryTree(root)
            var folders: Set<String> = []
            for file in try files(result.id) {
                let source = "\(place)/\(result.id)/\(file)", target = "\(root)/\(file)"
                let size = try size(source)
                try StoreLock.using(root) {
                    guard try fileKind(target, followingLinks: false) == nil else {
                        result.occupied.append(file)
                        return
                    }
                    try tree.makeDirectory(parent(of: file), ownership: ownership)
                    try systemCall("put back \(target) from", source) { rename(source, target) }
                    folders.insert(parent(of: target))
                    result.restored += 1
                    result.bytes += size
                }
            }
            for folder in folders { try syncDirectory(folder) }
            if result.occupied.isEmpty { try removeTree("\(place)/\(result.id)") }
            return result
        }
    }

    /// Deletes what one run moved away.
    ///
    /// - Parameter id: nil for all of them.
    /// - Returns: what is gone.
    public func purge(_ id: String?) async throws -> [Entry] {
        try await Workers.blobs.run { [self] in
            let collector = try collecting()
            defer { withExtendedLifetime(collector) {} }
            let wanted = try id.map { [try find($0)] } ?? ids()
            let gone = try entries().filter { wanted.contains($0.id) }
            for entry in gone { try removeTree("\(place)/\(entry.id)") }
            return gone
        }
    }

    private func collecting() throws -> DirectoryLock {
        guard let lock = try StoreLock.forCollecting(root) else { throw StoreCollector.busy(root) }
        return lock
    }
}

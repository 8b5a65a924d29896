import ByteStreams
import FileTrees
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
package struct StoreQuarantine: Sendable {
    /// One run's.
    package struct Entry: Sendable {
        package var id: String
        package var files: Int
        /// In all.
        package var bytes: Int64
    }

    /// What putting back did.
    package struct Restoration: Sendable {
        package var id: String
        package var restored = 0
        /// Restored ones.
        package var bytes: Int64 = 0
        /// Files that are in the store again anyhow: theirs are left in the quarantine.
        package var occupied: [String] = []
        /// Files at paths where a store has none, which somebody else put into the quarantine: they are left there.
        package var foreign: [String] = []
    }

    private let root: String
    private let place = Quarantine.path

    /// - Parameter root: the store's, above `docker/registry/v2`.
    package init(root: String) { self.root = root }

    /// Oldest first.
    package func entries() throws -> [Entry] {
        try DirectoryHandle.open(root).map { try entries(in: $0) } ?? []
    }

    private func entries(in root: DirectoryHandle) throws -> [Entry] {
        try ids(in: root).map { id in
            let files = try files(id, in: root)
            let bytes = try files.reduce(0) { try $0 + (root.size("\(place)/\(id)/\($1)") ?? 0) }
            return Entry(id: id, files: files.count, bytes: bytes)
        }
    }

    private func ids(in root: DirectoryHandle) throws -> [String] {
        try (root.list(place) ?? []).filter { try root.kind("\(place)/\($0)") == .directory }
    }

    /// Paths below the run's directory, in the order of `order`.
    private func files(_ id: String, in root: DirectoryHandle) throws -> [String] {
        var found: [String] = []
        func visit(_ relative: String) throws {
            for name in try root.list("\(place)/\(id)/\(relative)") ?? [] {
                let path = "\(relative)/\(name)"
                switch try root.kind("\(place)/\(id)/\(path)") {
                case .directory: try visit(path)
                case .file: found.append(path)
                case .link, .other, nil: break
                }
            }
        }
        try visit("docker")
        return found.sorted { Self.order($0) < Self.order($1) }
    }

    /// Blobs first, tags last, as a registry would write them.
    static func order(_ path: String) -> (rank: Int, path: String) {
        let places = ["/v2/blobs/", "/_layers/", "/_manifests/revisions/"]
        return (places.firstIndex { path.contains($0) } ?? places.count, path)
    }

    /// - Parameter id: nil for the latest.
    private func find(_ id: String?, in root: DirectoryHandle) throws -> String {
        let known = try ids(in: root), place = "\(root.path)/\(place)"
        guard let id else {
            // A run that was killed may have made a directory, and taken nothing.
            guard let latest = try known.last(where: { try !files($0, in: root).isEmpty }) else {
                throw ImageError.notFound("\(place) is empty: nothing was moved there")
            }
            return latest
        }
        guard known.contains(id) else {
            let there = known.isEmpty ? "it is empty" : "there is \(known.joined(separator: ", "))"
            throw ImageError.notFound("\(place) has no \(id): \(there)")
        }
        return id
    }

    /// Puts back what one run took, and overwrites nothing. Safe to be ended at any moment and started again.
    ///
    /// - Parameter id: nil for the latest.
    package func restore(_ id: String?) async throws -> Restoration {
        try await Workers.blobs.run { [self] in
            let (root, collector) = try collecting()
            defer { withExtendedLifetime(collector) {} }
            var result = Restoration(id: try find(id, in: root))
            let ownership = try Ownership(of: root)
            var folders: Set<String> = []
            for file in try files(result.id, in: root) {
                guard StorePaths.standard.isStoreFile(file) else {
                    result.foreign.append(file)
                    continue
                }
                let source = "\(place)/\(result.id)/\(file)"
                let size = try root.size(source) ?? 0
                try StoreLock.using(root) {
                    guard try root.kind(file) == nil else {
                        result.occupied.append(file)
                        return
                    }
                    try root.makeDirectory(parent(of: file), ownership: ownership)
                    try root.move(source, to: file, lasting: false)
                    folders.insert(parent(of: file))
                    result.restored += 1
                    result.bytes += size
                }
            }
            for folder in folders { try root.sync(folder) }
            if result.occupied.isEmpty, result.foreign.isEmpty { try root.removeTree("\(place)/\(result.id)") }
            return result
        }
    }

    /// Deletes what one run moved away.
    ///
    /// - Parameter id: nil for all of them.
    /// - Returns: what is gone.
    package func purge(_ id: String?) async throws -> [Entry] {
        try await Workers.blobs.run { [self] in
            let (root, collector) = try collecting()
            defer { withExtendedLifetime(collector) {} }
            let wanted = try id.map { [try find($0, in: root)] } ?? ids(in: root)
            let gone = try entries(in: root).filter { wanted.contains($0.id) }
            for entry in gone { try root.removeTree("\(place)/\(entry.id)") }
            return gone
        }
    }

    private func collecting() throws -> (DirectoryHandle, DirectoryLock) {
        guard let root = try DirectoryHandle.open(root) else { throw StoreCollector.noStore(root) }
        guard let lock = try StoreLock.forCollecting(root) else { throw StoreCollector.busy(root.path) }
        return (root, lock)
    }
}

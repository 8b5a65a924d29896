package import ByteStreams
package import FileTrees
package import ImageModel
import ImageTransfer

/// Volumes of one set as one tree, wherever each lies. Some may be missing.
package final class VolumeTree: FileTree {
    package let path: String
    let set: Digest
    /// By number, from 1.
    private let volumes: [Int: any FileTree]
    /// Why volumes are not here, where something is known of them.
    private let lost: [Int: String]
    private let list: PackingList
    /// Blobs that lie in several volumes, by their paths.
    private let cut: [String: [PackingList.Part]]
    private let volumesOfParts: [PackingList.Part: Int]

    /// - Parameters:
    ///   - path: for messages.
    ///   - volumes: at least one.
    /// - Throws: `ImageError.damaged` if a volume does not hold what it should.
    package init(path: String, set: Digest, volumes: [Int: any FileTree], lost: [Int: String]) throws {
        self.path = path
        self.set = set
        self.volumes = volumes
        self.lost = lost.filter { volumes[$0.key] == nil }
        let any = try Self.first(volumes)
        let found = try any.identifiedList(PackingList.self, at: VolumePaths.packingList)
        guard let (list, digest) = found, digest == set else {
            throw ImageError.damaged("\(any.title): the packing list is not the one that \(VolumePaths.place) names")
        }
        self.list = list
        var cut: [String: [PackingList.Part]] = [:]
        var volumesOfParts: [PackingList.Part: Int] = [:]
        for (position, volume) in list.volumes.enumerated() {
            for part in volume.parts {
                cut[OCIPaths.blob(part.blob), default: []].append(part)
                volumesOfParts[part] = position + 1
            }
        }
        self.cut = cut.mapValues { $0.sorted { $0.offset < $1.offset } }
        self.volumesOfParts = volumesOfParts
        for (number, tree) in volumes { try check(number, tree) }
    }

    private static func first(_ volumes: [Int: any FileTree]) throws -> any FileTree {
        guard let first = volumes.min(by: { $0.key < $1.key }) else {
            throw ImageError.notFound("there is no volume")
        }
        return first.value
    }

    /// Whether a volume holds what the packing list says, as far as that shows without reading.
    private func check(_ number: Int, _ tree: any FileTree) throws {
        guard list.volumes.indices.contains(number - 1) else {
            throw ImageError.damaged(
                "\(tree.title) says that it is volume \(number), and its set has \(list.volumes.count)")
        }
        func expect(_ path: String, _ size: Int64) throws {
            let found = try tree.size(of: path)
            guard found == size else {
                throw ImageError.damaged(
                    "\(tree.title) lacks \(path) of \(size) bytes, which volume \(number) of its set has"
                        + (found.map { ": it has \($0) bytes" } ?? ""))
            }
        }
        let volume = list.volumes[number - 1]
        for blob in list.manifests + volume.blobs { try expect(OCIPaths.blob(blob.digest), blob.size) }
        for part in volume.parts { try expect(VolumePaths.part(part.blob, at: part.offset), part.size) }
    }

    package var title: String { path }
    /// A volume that is here, for messages.
    var firstVolume: String { (try? Self.first(volumes).title) ?? path }

    /// The same set, with volumes that lie elsewhere.
    func joined(with other: VolumeTree) throws -> VolumeTree {
        try VolumeTree(
            path: path, set: set, volumes: volumes.merging(other.volumes) { own, _ in own },
            lost: lost.merging(other.lost) { own, _ in own })
    }

    /// Volumes that are not here, and why.
    package var missing: [Int: String] {
        var missing: [Int: String] = [:]
        for number in 1...list.volumes.count where volumes[number] == nil {
            missing[number] = lost[number] ?? "missing"
        }
        return missing
    }

    // MARK: Files

    private func holder(of path: String) throws -> (any FileTree)? {
        for (_, tree) in volumes.sorted(by: { $0.key < $1.key }) where try tree.size(of: path) != nil { return tree }
        return nil
    }

    /// What messages call the volume that a file lies in.
    func title(of path: String) -> String { (try? holder(of: path))??.title ?? title }

    package func size(of path: String) throws -> Int64? {
        if let tree = try holder(of: path) { return try tree.size(of: path) }
        guard let parts = cut[path], parts.allSatisfy({ volumes[volumesOfParts[$0] ?? 0] != nil }) else { return nil }
        return parts.reduce(0) { $0.addingSaturated($1.size) }
    }

    package func read(_ path: String, limit: Int) throws -> [UInt8]? {
        if let tree = try holder(of: path) { return try tree.read(path, limit: limit) }
        return try open(path)?.readAll(limit: limit, name: "\(title): \(path)")
    }

    package func open(_ path: String) throws -> (any ByteSource)? {
        if let tree = try holder(of: path) { return try tree.open(path) }
        guard try size(of: path) != nil, let parts = cut[path] else { return nil }
        return ConcatenatedSource(
            try parts.compactMap { part in
                guard let tree = volumes[volumesOfParts[part] ?? 0] else { return nil }
                return try tree.open(VolumePaths.part(part.blob, at: part.offset)).map {
                    VerifyingSource(
                        $0, digest: part.digest, size: part.size, name: "\(tree.title): a part of \(part.blob)")
                }
            })
    }

    package func list(_ path: String) throws -> [String]? {
        let names = try volumes.values.compactMap { try $0.list(path) }
        return names.isEmpty ? nil : Set(names.flatMap(\.self)).sorted()
    }

    package func resolved(_ path: String) throws -> String? { try holder(of: path)?.resolved(path) ?? path }

    package func facts(of path: String) throws -> FileFacts? { try open(path).map { try FileFacts(reading: $0) } }

    package func stamp(of path: String) throws -> String? { try holder(of: path)?.stamp(of: path) }
}

import ImageModel
import ImageTransfer

/// Docker's part of an archive: `manifest.json` and `repositories`.
struct DockerImages {
    /// An image as docker is told of it.
    private struct Item: Hashable {
        let config: Digest
        let layers: [Digest]
        let isLoadable: Bool
    }

    private var contents: [Digest: DockerPart.Content<Item>] = [:]
    /// Configs that docker cannot load: see `AnnouncedImage`.
    private var unloadable: Set<Digest> = []

    mutating func leaveOut(config: Digest) { unloadable.insert(config) }

    mutating func add(_ manifest: Manifest) {
        contents[manifest.digest] = DockerPart.content(of: manifest)?.map { image in
            Item(
                config: image.config.digest, layers: image.layers.map(\.digest),
                isLoadable: DockerPart.problem(of: image) == nil)
        }
    }

    /// - Throws: `ImageError` if one is larger than what is read.
    func files(_ entries: [NamedDescriptor]) throws -> [ArchiveFile] {
        var items: [(item: Item, names: [ImageName])] = []
        var positions: [Item: Int] = [:]
        var tops: [String: [String: Digest]] = [:]
        for entry in entries {
            guard let item = DockerPart.image(below: entry.descriptor.digest, in: { contents[$0] }), item.isLoadable,
                !unloadable.contains(item.config)
            else { continue }
            let position = positions[item] ?? items.count
            if position == items.count {
                positions[item] = position
                items.append((item, []))
            }
            guard let tag = entry.name.tag else { continue }
            items[position].names.append(entry.name)
            tops[Self.repository(entry.name), default: [:]][tag] = item.layers.last
        }
        // An empty list would say that the archive is empty.
        guard !items.isEmpty else { return [] }
        try DockerManifestFile.check(items.reduce(0) { $0 + max(1, $1.names.count) }, in: "manifest.json")
        let manifest = try ArchiveFile("manifest.json") { [items] writer in
            try writer.array { writer in
                for (item, names) in items { try Self.write(item, names, to: &writer) }
            }
        }
        guard !tops.isEmpty else { return [manifest] }
        let repositories = try ArchiveFile("repositories") { [tops] writer in
            try writer.object { writer in
                for (repository, tags) in tops.sorted(by: { $0.key < $1.key }) {
                    try writer.member(repository)
                    try writer.object { writer in
                        for (tag, top) in tags.sorted(by: { $0.key < $1.key }) {
                            try writer.member(tag, top.hex)
                        }
                    }
                }
            }
        }
        return [manifest, repositories]
    }

    /// As docker writes it: without names, RepoTags is null.
    private static func write(_ item: Item, _ names: [ImageName], to writer: inout DocumentWriter) throws {
        try writer.object { writer in
            try writer.member("Config", OCIPaths.blob(item.config))
            try writer.member("Layers")
            try writer.array { writer in
                for layer in item.layers { try writer.value(OCIPaths.blob(layer)) }
            }
            try writer.member("RepoTags")
            guard !names.isEmpty else { return try writer.entry(Array("null".utf8)) }
            try writer.array { writer in
                for name in names { try writer.value("\(repository(name)):\(name.tag ?? "")") }
            }
        }
    }

    private static func repository(_ name: ImageName) -> String {
        ImageName(host: name.host, repository: name.repository).familiar.description
    }
}

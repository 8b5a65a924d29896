import ImageModel
import ImageTransfer

/// The documents of an archive: what is in it, in the words of OCI and of docker.
struct ArchiveMetadata {
    private let kind: ArchiveDestination.Kind
    private let naming: LayoutNaming
    private var manifests: [Digest: Manifest] = [:]
    /// In their order, each once.
    private var entries: [Entry] = []
    private var listed: Set<Entry> = []
    /// Configs that docker cannot load: see `AnnouncedImage`.
    private var unloadable: Set<Digest> = []

    private struct Entry: Hashable {
        var descriptor: Descriptor
        var name: ImageName
    }

    init(kind: ArchiveDestination.Kind, requestedName: String?) {
        self.kind = kind
        naming = LayoutNaming(requestedName: requestedName)
    }

    /// Learns what docker cannot load.
    mutating func announce(_ image: AnnouncedImage) {
        if let config = image.unloadableConfig { unloadable.insert(config) }
    }

    mutating func add(_ image: AnnouncedImage) {
        for manifest in image.manifests { add(manifest) }
        var below = Set(image.manifests.flatMap { $0.children.map(\.digest) })
        below.insert(image.root.digest)
        // Referrers are part of the image, but nothing in it lists them.
        for manifest in image.manifests where !below.contains(manifest.digest) {
            name(manifest.descriptor, ImageName(host: image.name.host, repository: image.name.repository))
        }
        name(image.root, image.name)
    }

    mutating func add(_ manifest: Manifest) { manifests[manifest.digest] = manifest }

    mutating func name(_ descriptor: Descriptor, _ name: ImageName) {
        let entry = Entry(descriptor: descriptor.plain, name: name)
        if listed.insert(entry).inserted { entries.append(entry) }
    }

    /// The entries, less those without a tag whose content has one in the same repository.
    private var index: [Entry] {
        func untagged(_ entry: Entry) -> Entry {
            Entry(
                descriptor: entry.descriptor,
                name: ImageName(host: entry.name.host, repository: entry.name.repository))
        }
        let tagged = Set(entries.filter { $0.name.tag != nil }.map(untagged))
        return entries.filter { $0.name.tag != nil || !tagged.contains($0) }
    }

    func files() throws -> [(path: String, bytes: [UInt8])] {
        let entries = index
        let document = ImageIndex(manifests: entries.map { naming.entry($0.descriptor, as: $0.name) })
        var files = [
            (OCIPaths.layout, Array(OCIPaths.layoutContent.utf8)),
            (OCIPaths.index, try Document.encode(document)),
        ]
        guard kind == .docker else { return files }
        var items: [DockerManifestFile.Item] = []
        var positions: [ImageManifest: Int] = [:]
        var tops: [String: [String: String]] = [:]
        for entry in entries {
            guard let image = DockerPart.image(below: entry.descriptor.digest, in: manifests),
                DockerPart.problem(of: image) == nil, !unloadable.contains(image.config.digest)
            else { continue }
            var repoTag: String?
            if let tag = entry.name.tag {
                let repository = ImageName(host: entry.name.host, repository: entry.name.repository).familiar
                    .description
                repoTag = "\(repository):\(tag)"
                tops[repository, default: [:]][tag] = image.layers.last?.digest.hex
            }
            let content = ImageManifest(mediaType: .ociManifest, config: image.config.plain, layers: image.layers)
            let position = positions[content] ?? items.count
            if position == items.count {
                positions[content] = position
                items.append(
                    DockerManifestFile.Item(
                        config: OCIPaths.blob(image.config.digest), repoTags: nil,
                        layers: image.layers.map { OCIPaths.blob($0.digest) }))
            }
            if let repoTag { items[position].repoTags = (items[position].repoTags ?? []) + [repoTag] }
        }
        // An empty list would say that the archive is empty.
        guard !items.isEmpty else { return files }
        files.append(("manifest.json", try Document.encode(items)))
        if !tops.isEmpty { files.append(("repositories", try Document.encode(tops))) }
        return files
    }
}

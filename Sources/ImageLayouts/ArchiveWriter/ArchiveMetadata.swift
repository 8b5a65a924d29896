import ImageModel
import ImageTransfer

/// The documents of an archive: what is in it, in the words of OCI and of docker.
struct ArchiveMetadata {
    private let kind: ArchiveDestination.Kind
    private let naming: LayoutNaming
    private var docker = DockerImages()
    /// In their order, each once.
    private var entries: [NamedDescriptor] = []
    private var listed: Set<NamedDescriptor> = []

    init(kind: ArchiveDestination.Kind, requestedName: String?) {
        self.kind = kind
        naming = LayoutNaming(requestedName: requestedName)
    }

    /// Learns what docker cannot load.
    mutating func announce(_ image: AnnouncedImage) {
        if let config = image.unloadableConfig { docker.leaveOut(config: config) }
    }

    mutating func add(_ image: AnnouncedImage) {
        announce(image)
        for manifest in image.manifests { add(manifest) }
        var below = Set(image.manifests.flatMap { $0.children.map(\.digest) })
        below.insert(image.root.digest)
        // Referrers are part of the image, but nothing in it lists them.
        for manifest in image.manifests where !below.contains(manifest.digest) {
            name(manifest.descriptor, ImageName(host: image.name.host, repository: image.name.repository))
        }
        name(image.root, image.name)
    }

    mutating func add(_ manifest: Manifest) {
        if kind == .docker { docker.add(manifest) }
    }

    mutating func name(_ descriptor: Descriptor, _ name: ImageName) {
        let entry = NamedDescriptor(descriptor, name)
        if listed.insert(entry).inserted { entries.append(entry) }
    }

    /// The entries, less those without a tag whose content has one in the same repository.
    private var index: [NamedDescriptor] {
        guard entries.contains(where: { $0.name.tag == nil }) else { return entries }
        let tagged = Set(entries.lazy.filter { $0.name.tag != nil }.map(\.untagged))
        return entries.filter { $0.name.tag != nil || !tagged.contains($0) }
    }

    /// - Throws: `ImageError` if one is larger than what is read.
    func files() throws -> [ArchiveFile] {
        let entries = index
        var files = [
            ArchiveFile(OCIPaths.layout, Array(OCIPaths.layoutContent.utf8)),
            try ArchiveFile(OCIPaths.index) { [naming] writer in
                try writer.object { writer in
                    try writer.member("manifests", array: entries.lazy.map { naming.entry($0.descriptor, as: $0.name) })
                    try writer.member("mediaType", MediaType.ociIndex.rawValue)
                    try writer.member("schemaVersion", 2)
                }
            },
        ]
        if kind == .docker { files += try docker.files(entries) }
        return files
    }
}

extension NamedDescriptor {
    /// The same without a tag.
    fileprivate var untagged: NamedDescriptor {
        NamedDescriptor(descriptor, ImageName(host: name.host, repository: name.repository))
    }
}

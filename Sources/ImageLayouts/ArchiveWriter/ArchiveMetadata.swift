import ImageModel
import ImageTransfer

/// The documents of an archive: what is in it, in the words of OCI and of docker.
struct ArchiveMetadata {
    private let kind: ArchiveDestination.Kind
    private let naming: LayoutNaming
    private var manifests: [Digest: Manifest] = [:]
    private var entries: [(descriptor: Descriptor, name: ImageName)] = []

    init(kind: ArchiveDestination.Kind, requestedName: String?) {
        self.kind = kind
        naming = LayoutNaming(requestedName: requestedName)
    }

    mutating func add(_ image: AnnouncedImage) {
        for manifest in image.manifests { add(manifest) }
        var below = Set(image.manifests.flatMap { $0.children.map(\.digest) })
        below.insert(image.root.digest)
        // Referrers are part of the image, but nothing in it lists them.
        for manifest in image.manifests where !below.contains(manifest.digest) {
            name(manifest.descriptor, ImageName(repository: image.name.repository))
        }
        name(image.root, image.name)
    }

    mutating func add(_ manifest: Manifest) { manifests[manifest.digest] = manifest }

    /// An entry without tag goes by digest, and is listed once.
    mutating func name(_ descriptor: Descriptor, _ name: ImageName) {
        let same = entries.contains {
            $0.descriptor.digest == descriptor.digest && ($0.name == name || name.tag == nil)
        }
        guard !same else { return }
        if name.tag != nil { entries.removeAll { $0.descriptor.digest == descriptor.digest && $0.name.tag == nil } }
        entries.append((descriptor, name))
    }

    func files() throws -> [(path: String, bytes: [UInt8])] {
        let index = ImageIndex(manifests: entries.map { naming.entry($0.descriptor, as: $0.name) })
        var files = [
            (OCIPaths.layout, Array(OCIPaths.layoutContent.utf8)),
            (OCIPaths.index, try Document.encode(index)),
        ]
        guard kind == .docker else { return files }
        var items: [DockerManifestFile.Item] = []
        var tops: [String: [String: String]] = [:]
        for entry in entries {
            // Docker needs the bytes of every layer, and foreign ones stay where their URLs say.
            guard let image = image(below: entry.descriptor.digest), !image.layers.contains(where: \.staysAway) else {
                continue
            }
            let layers = image.layers.map { OCIPaths.blob($0.digest) }
            var item = DockerManifestFile.Item(
                config: OCIPaths.blob(image.config.digest), repoTags: nil, layers: layers)
            if let tag = entry.name.tag {
                let repository = ImageName(host: entry.name.host, repository: entry.name.repository).description
                item.repoTags = ["\(repository):\(tag)"]
                tops[repository, default: [:]][tag] = image.layers.last?.digest.hex
            }
            if let same = items.firstIndex(where: { $0.config == item.config && $0.layers == item.layers }) {
                items[same].repoTags = (items[same].repoTags ?? []) + (item.repoTags ?? [])
                if items[same].repoTags?.isEmpty == true { items[same].repoTags = nil }
            } else {
                items.append(item)
            }
        }
        // An empty list would say that the archive is empty.
        guard !items.isEmpty else { return files }
        files.append(("manifest.json", try Document.encode(items)))
        if !tops.isEmpty { files.append(("repositories", try Document.encode(tops))) }
        return files
    }

    /// The image that docker is to see: of an index, the one for this machine's platform, else the first.
    private func image(below digest: Digest, depth: Int = 0) -> ImageManifest? {
        guard let manifest = manifests[digest], depth < 8 else { return nil }
        switch manifest.content {
        case .image(let image): return image.config.mediaType.isImageConfig && image.subject == nil ? image : nil
        case .schema1: return nil
        case .index(let index):
            let children = index.manifests.filter { $0.mediaType.isManifest && !$0.isAttestation }
            let preferred = children.filter { $0.platform.map(Platform.host.accepts) ?? false }
            for child in preferred + children {
                if let image = image(below: child.digest, depth: depth + 1) { return image }
            }
            return nil
        }
    }
}

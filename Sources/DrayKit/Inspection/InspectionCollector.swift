/// Collects what `inspect` shows of the manifests below an image. Each is read and shown once, however often it is listed.
struct InspectionCollector {
    /// One line of an index: what it lists, and for which platform.
    private struct Entry: Hashable {
        var digest: Digest
        var platform: String?
    }

    let image: SourceImage
    let source: any ImageSource
    /// Empty for all.
    let platforms: [Platform]
    private(set) var images: [Inspection.Image] = []
    private var entries: Set<Entry> = []
    private var indexes: Set<Digest> = []
    /// Where images are in the list.
    private var positions: [Digest: Int] = [:]
    private var size: Int64 = 0

    /// Bytes of manifests and configs, which are in memory at a time.
    private static let sizeLimit: Int64 = 16 << 20

    init(image: SourceImage, source: any ImageSource, platforms: [Platform]) {
        self.image = image
        self.source = source
        self.platforms = platforms
    }

    mutating func add(_ manifest: Manifest, listedAs descriptor: Descriptor, depth: Int) async throws {
        try count(manifest.size)
        guard case .index(let index) = manifest.content else {
            let made = try await Inspection.Image(
                manifest, listedAs: descriptor, in: source, repository: image.repository)
            try count(made.config?.size ?? 0)
            let platform = made.platform.flatMap { Platform($0) }
            if platforms.isEmpty || platform.map({ found in platforms.contains { $0.accepts(found) } }) == true {
                positions[manifest.digest] = images.count
                images.append(made)
            }
            return
        }
        guard depth < 8 else {
            throw ImageError.damaged("\(image.title) in \(source.title): indexes are nested more than 8 deep")
        }
        guard indexes.insert(manifest.digest).inserted else { return }
        for child in index.manifests where child.mediaType.isManifest { try await add(child, depth: depth + 1) }
    }

    /// - Parameter child: an entry of an index.
    private mutating func add(_ child: Descriptor, depth: Int) async throws {
        if !platforms.isEmpty, let platform = child.platform, !platforms.contains(where: { $0.accepts(platform) }) {
            return
        }
        guard !indexes.contains(child.digest),
            entries.insert(Entry(digest: child.digest, platform: child.platform?.description)).inserted
        else { return }
        if let position = positions[child.digest] {
            images.append(images[position].again(for: child))
            return
        }
        do {
            let found = try await source.manifest(child, in: image.repository)
            try await add(found, listedAs: child, depth: depth)
        } catch let error as ImageError where error.code == .notFound {
            images.append(
                Inspection.Image(
                    digest: child.digest, mediaType: child.mediaType, size: child.size,
                    platform: child.platform?.description, missing: true))
        }
    }

    private mutating func count(_ bytes: Int64) throws {
        size = size.addingSaturated(max(0, bytes))
        guard size <= Self.sizeLimit else {
            throw ImageError.refused(
                "\(image.title) in \(source.title): too large to show: its manifests and configs have more than "
                    + "\(ByteCount(Self.sizeLimit)); choose one of its images with --platform, or by @DIGEST")
        }
    }
}

extension Inspection.Image {
    /// The same image for another platform, without what is shown already.
    fileprivate func again(for entry: Descriptor) -> Inspection.Image {
        Inspection.Image(
            digest: digest, mediaType: mediaType, size: size, platform: entry.platform?.description ?? platform,
            artifactType: artifactType, attestation: entry.isAttestation ? true : nil,
            config: config.map { Descriptor(mediaType: $0.mediaType, digest: $0.digest, size: $0.size) })
    }
}

/// All that `inspect` tells about an image, in the shape of its JSON.
public struct Inspection: Encodable, Sendable {
    /// One manifest: what a platform runs, or an artifact.
    public struct Image: Encodable, Sendable {
        public var digest: Digest
        public var mediaType: MediaType
        public var size: Int64
        public var platform: String?
        public var artifactType: String?
        public var attestation: Bool?
        /// Listed in the index, but not there.
        public var missing: Bool?
        public var annotations: [String: String]?
        public var config: Descriptor?
        public var created: String?
        public var author: String?
        public var settings: ContainerSettings?
        public var layers: [Layer]?
        public var history: [History]?
    }

    public struct Layer: Encodable, Sendable {
        public var digest: Digest
        /// Bytes; nil where the manifest does not tell.
        public var size: Int64?
        public var mediaType: MediaType
        public var diffID: Digest?
        public var urls: [String]?
        public var annotations: [String: String]?
    }

    public struct History: Encodable, Sendable {
        public var created: String?
        public var createdBy: String?
        public var comment: String?
        public var emptyLayer: Bool?
    }

    public var repository: String?
    public var tag: String?
    public var digest: Digest
    public var imageID: Digest?
    public var mediaType: MediaType
    public var size: Int64
    public var annotations: [String: String]?
    public var subject: Digest?
    public var platforms: [String]
    public var images: [Image]
    public var referrers: [Descriptor]
}

extension Inspection {
    /// - Parameter platforms: empty for all.
    package init(of image: SourceImage, in source: any ImageSource, platforms: [Platform]) async throws {
        let root = try await source.rootManifest(of: image)
        let row = ListedImage(image)
        repository = row.repository
        tag = row.tag
        digest = root.digest
        imageID = row.imageID
        mediaType = root.mediaType
        size = root.size
        subject = root.subject?.digest
        if case .index(let index) = root.content { annotations = index.annotations }
        images = []
        self.platforms = []
        referrers = try await source.referrers(of: root.digest, in: image.repository)
        // Sources leave large annotations out.
        for (position, referrer) in referrers.enumerated() where referrer.annotations == nil && referrer.size > 4096 {
            referrers[position].annotations = try? await source.manifest(referrer, in: image.repository).annotations
        }
        var collector = InspectionCollector(image: image, source: source, platforms: platforms)
        try await collector.add(root, listedAs: root.descriptor, depth: 0)
        images = collector.images
        guard !images.isEmpty || platforms.isEmpty else {
            throw ImageError.notFound(
                "\(image.title) in \(source.title) is not for \(platforms.map(\.description).joined(separator: ", "))")
        }
        for image in images where image.attestation != true {
            if let platform = image.platform, !self.platforms.contains(platform) { self.platforms.append(platform) }
        }
    }
}

extension Inspection.Image {
    package init(
        _ manifest: Manifest, listedAs descriptor: Descriptor, in source: any ImageSource, repository: String?
    ) async throws {
        digest = manifest.digest
        mediaType = manifest.mediaType
        size = manifest.size
        platform = descriptor.platform?.description
        attestation = descriptor.isAttestation ? true : nil
        switch manifest.content {
        case .index: break
        case .schema1(let old):
            platform = platform ?? "linux/\(old.architecture)"
            layers = old.layers.map { Inspection.Layer(digest: $0, mediaType: .dockerLayerGzip) }
        case .image(let image):
            artifactType = image.artifactType
            annotations = image.annotations
            config = image.config
            let known = try await source.config(of: image, in: repository)
            platform = platform ?? known?.platform?.description
            created = known?.created
            author = known?.author
            history = known?.history?.map {
                Inspection.History(
                    created: $0.created, createdBy: $0.createdBy, comment: $0.comment, emptyLayer: $0.emptyLayer)
            }
            if image.config.mediaType.isImageConfig {
                settings = try await ContainerSettings(of: image.config, in: source, repository: repository)
            }
            let diffIDs = known?.diffIDs ?? []
            layers = image.layers.enumerated().map { index, layer in
                Inspection.Layer(
                    digest: layer.digest, size: layer.size, mediaType: layer.mediaType,
                    diffID: diffIDs.count == image.layers.count ? diffIDs[index] : nil, urls: layer.urls,
                    annotations: layer.annotations)
            }
        }
    }
}

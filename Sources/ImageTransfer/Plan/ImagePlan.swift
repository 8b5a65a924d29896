package import ImageModel

/// One image that is going to be copied, and all that this takes. There may be very many, and each is in memory once.
final class ImagePlan: Sendable {
    let source: any ImageSource
    let image: SourceImage
    let name: ImageName
    /// Of whoever wished for it.
    let rule: String?
    /// Everything that belongs to it: see `ImageGraph`.
    let nodes: [ImageGraph.Node]
    /// What it is in the source.
    let root: Descriptor
    /// The forms that layers get; digests that are not in it stay.
    let compressions: [Digest: LayerCompression]
    let format: ManifestFormat?
    /// See `AnnouncedImage`.
    let unloadableConfig: Digest?

    init(
        _ graph: ImageGraph, of image: SourceImage, in source: any ImageSource, name: ImageName, rule: String?,
        compressions: [Digest: LayerCompression], format: ManifestFormat?, unloadableConfig: Digest? = nil
    ) {
        self.source = source
        self.image = image
        self.name = name
        self.rule = rule
        nodes = graph.nodes
        root = graph.root
        self.compressions = compressions
        self.format = format
        self.unloadableConfig = unloadableConfig
    }

    /// What is reported of it if nothing is done.
    var entry: CopyReport.Image {
        CopyReport.Image(
            source: source.title, reference: source.retryReference(to: image), name: name, descriptor: root,
            previousDigest: root.digest, rule: rule)
    }

    /// Whether every manifest stays as it is.
    var keepsDigests: Bool {
        compressions.isEmpty
            && nodes.allSatisfy { node in
                guard let kept = node.keptChildren, case .index(let index) = node.manifest.content else { return true }
                return kept.count == index.manifests.count
            }
            && nodes.allSatisfy { node in
                guard let format, let now = node.manifest.mediaType.manifestFormat else { return true }
                if case .image(let image) = node.manifest.content, !image.config.mediaType.isImageConfig { return true }
                return now == format
            }
    }

    /// Each piece of work once, in the order of the manifests; foreign layers stay where their URLs say.
    var blobs: [BlobJob] {
        var seen: Set<BlobJob.Key> = []
        var jobs: [BlobJob] = []
        for node in nodes {
            for blob in node.blobs where !blob.staysAway {
                let job = BlobJob(
                    blob: blob, compression: compressions[blob.digest], diffID: node.diffIDs[blob.digest])
                if seen.insert(job.key).inserted { jobs.append(job) }
            }
        }
        return jobs
    }

    /// Whether its manifest is dray's own work, and need not be of a certain family.
    var hasOwnManifests: Bool { image.isMade || !keepsDigests }

    /// Every manifest as it is going to be, in the graph's order.
    ///
    /// - Parameters:
    ///   - blobs: what blobs become.
    ///   - family: instead of the one that the plan has.
    ///   - options: what messages may advise.
    func manifests(
        with blobs: [Digest: Descriptor], in family: ManifestFormat? = nil, options: OptionNames = OptionNames()
    ) throws -> [Manifest] {
        var rewriter = ManifestRewriter(
            layers: blobs.filter { compressions[$0.key] != nil }, manifests: [:], format: family ?? format,
            options: options)
        return try nodes.map { node in
            let manifest = try rewriter.rewrite(node)
            rewriter.manifests[node.manifest.digest] = manifest.descriptor
            return manifest
        }
    }

    /// Of such manifests, the one that gets the name.
    func root(of manifests: [Manifest]) -> Descriptor {
        zip(nodes, manifests).first { $0.0.manifest.digest == root.digest }?.1.descriptor ?? root
    }

    /// All new manifests, with what can be guessed of the blobs.
    ///
    /// - Throws: `ImageError.refused` for what cannot be written.
    func rehearsal(_ options: OptionNames) throws -> [Manifest] {
        let guesses = blobs.filter { $0.compression != nil }.map { ($0.blob.digest, $0.guess) }
        return try manifests(with: Dictionary(guesses) { first, _ in first }, options: options)
    }

    var foreignLayers: Int {
        Set(nodes.flatMap(\.blobs).filter(\.staysAway).map(\.digest)).count
    }
}

extension Descriptor {
    /// A foreign layer: its URLs travel, its bytes do not.
    package var staysAway: Bool { mediaType.isForeignLayer && urls?.isEmpty == false }
}

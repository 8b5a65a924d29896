public import ImageModel

/// One image that is going to be copied, and all that this takes.
struct PlannedImage: Sendable {
    var source: any ImageSource
    var image: SourceImage
    var name: ImageName
    var graph: ImageGraph
    /// The forms that layers get; digests that are not in it stay.
    var compressions: [Digest: LayerCompression]
    var format: ManifestFormat?

    /// Whether every manifest stays as it is.
    var keepsDigests: Bool {
        compressions.isEmpty
            && graph.nodes.allSatisfy { node in
                guard let kept = node.keptChildren, case .index(let index) = node.manifest.content else { return true }
                return kept.count == index.manifests.count
            }
            && graph.nodes.allSatisfy { node in
                guard let format, let now = node.manifest.mediaType.manifestFormat else { return true }
                if case .image(let image) = node.manifest.content, !image.config.mediaType.isImageConfig { return true }
                return now == format
            }
    }

    /// Each piece of work once, in the order of the manifests; foreign layers stay where their URLs say.
    var moves: [BlobMove] {
        var seen: Set<BlobMove.Key> = []
        var moves: [BlobMove] = []
        for node in graph.nodes {
            for blob in node.blobs where !blob.staysAway {
                let move = BlobMove(
                    blob: blob, compression: compressions[blob.digest], diffID: node.diffIDs[blob.digest])
                if seen.insert(move.key).inserted { moves.append(move) }
            }
        }
        return moves
    }

    /// Every manifest as it is going to be, in the graph's order.
    ///
    /// - Parameter blobs: what blobs become.
    func manifests(with blobs: [Digest: Descriptor]) throws -> [Manifest] {
        var rewriter = ManifestRewriter(
            layers: blobs.filter { compressions[$0.key] != nil }, manifests: [:], format: format)
        return try graph.nodes.map { node in
            let manifest = try rewriter.rewrite(node)
            rewriter.manifests[node.manifest.digest] = manifest.descriptor
            return manifest
        }
    }

    /// Of such manifests, the one that gets the name.
    func root(of manifests: [Manifest]) -> Descriptor {
        zip(graph.nodes, manifests).first { $0.0.manifest.digest == graph.root.digest }?.1.descriptor ?? graph.root
    }

    /// Whether a layer is, or becomes, zstd.
    var hasZstd: Bool {
        graph.nodes.contains { node in
            guard case .image(let image) = node.manifest.content else { return false }
            return image.layers.contains { (compressions[$0.digest] ?? $0.mediaType.layerCompression) == .zstd }
        }
    }

    /// Makes all new manifests once, with what can be guessed of the blobs, so that what cannot be written is
    /// refused before anything is.
    func rehearse() throws {
        let guesses = moves.filter { $0.compression != nil }.map { ($0.blob.digest, $0.guess) }
        _ = try manifests(with: Dictionary(guesses) { first, _ in first })
    }

    var foreignLayers: Int {
        Set(graph.nodes.flatMap(\.blobs).filter(\.staysAway).map(\.digest)).count
    }
}

extension Descriptor {
    /// A foreign layer: its URLs travel, its bytes do not.
    public var staysAway: Bool { mediaType.isForeignLayer && urls?.isEmpty == false }
}

/// One image that the destination has already, under its name and with its referrers.
struct SettledImage: Sendable {
    var name: ImageName
    var descriptor: Descriptor
    var referrers: [Descriptor]
    /// As it is reported.
    var entry: CopyReport.Image
}

/// All images of a copy, in order, checked against each other.
struct CopyPlan: Sendable {
    private(set) var images: [PlannedImage] = []
    var failures: [CopyReport.Failure] = []
    /// What the destination has already, so that nothing is to be moved.
    var settled: [SettledImage] = []
    private var places: [Place: Int] = [:]

    /// What only one image can have.
    private struct Place: Hashable {
        var name: ImageName
        /// Of an image that goes by that.
        var digest: Digest?
    }

    /// - Throws: `TransferError.refused` if two different images would get one name.
    mutating func add(_ image: PlannedImage) throws {
        let place = Place(name: image.name, digest: image.name.tag == nil ? image.graph.root.digest : nil)
        guard let other = places[place].map({ images[$0] }) else {
            places[place] = images.count
            images.append(image)
            return
        }
        guard other.graph.root.digest == image.graph.root.digest else {
            throw TransferError.refused(
                "two different images would be called \(image.name): \(other.image.title) of "
                    + "\(other.source.title) (\(other.graph.root.digest.short)) and \(image.image.title) of "
                    + "\(image.source.title) (\(image.graph.root.digest.short)); copy one at a time, or use --prefix or --name"
            )
        }
    }
}

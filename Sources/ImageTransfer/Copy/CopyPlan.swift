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

    /// Each blob once, in the order of the manifests; foreign layers stay where their URLs say.
    var moves: [BlobMove] {
        var seen: Set<Digest> = []
        var moves: [BlobMove] = []
        for node in graph.nodes {
            for blob in node.blobs where seen.insert(blob.digest).inserted && !blob.staysAway {
                moves.append(
                    BlobMove(blob: blob, compression: compressions[blob.digest], diffID: node.diffIDs[blob.digest]))
            }
        }
        return moves
    }

    var foreignLayers: Int {
        Set(graph.nodes.flatMap(\.blobs).filter(\.staysAway).map(\.digest)).count
    }
}

extension Descriptor {
    /// A foreign layer: its URLs travel, its bytes do not.
    public var staysAway: Bool { mediaType.isForeignLayer && urls?.isEmpty == false }
}

/// All images of a copy, in order, checked against each other.
struct CopyPlan: Sendable {
    var images: [PlannedImage] = []
    var failures: [CopyReport.Image] = []

    /// - Throws: `TransferError.refused` if two different images would get one name.
    mutating func add(_ image: PlannedImage) throws {
        let sameName = images.first { other in
            other.name == image.name && (image.name.tag != nil || other.graph.root.digest == image.graph.root.digest)
        }
        guard let sameName else {
            images.append(image)
            return
        }
        guard sameName.graph.root.digest == image.graph.root.digest else {
            throw TransferError.refused(
                "two different images would be called \(image.name): \(sameName.image.title) of "
                    + "\(sameName.source.title) (\(sameName.graph.root.digest.short)) and \(image.image.title) of "
                    + "\(image.source.title) (\(image.graph.root.digest.short)); copy one at a time, or use --prefix or --name"
            )
        }
    }
}

import ImageModel

/// One planned image, and what its blobs take.
struct ImageWork {
    enum Decision {
        /// The destination has it: as that.
        indirect case there(Descriptor)
        case move
    }

    let image: PlannedImage
    /// One for each of the image's moves.
    private let decisions: [Decision]
    /// Of what is to be moved, what can be had from nowhere.
    var missing: [Provisions.Missing] = []
    /// What its name means there already, if that is all of it: nothing is left to do.
    var whole: Descriptor?

    /// The image's tag at the destination, before the copy.
    enum Tag {
        case unknown
        case free
        case names(Digest)
    }

    var tag = Tag.unknown

    init(image: PlannedImage, decisions: [Decision]) {
        self.image = image
        self.decisions = decisions
    }

    var moves: Zip2Sequence<[BlobMove], [Decision]> { zip(image.moves, decisions) }

    /// What is to be moved, as far as it can be had.
    var wanted: [BlobMove] {
        let lacking = Set(missing.map(\.blob.digest))
        return moves.compactMap { move, decision in
            if case .move = decision, !lacking.contains(move.blob.digest) { move } else { nil }
        }
    }

    /// What the image is going to be, as far as that can be known beforehand.
    struct Outlook {
        var manifests: [Manifest]
        var root: Descriptor
        /// nil: it is exactly that.
        var estimate: CopyReport.Image.Estimate?
    }

    /// What will be written, as far as that is known before it is.
    func announced() throws -> AnnouncedImage {
        let outlook = try outlook()
        return AnnouncedImage(
            name: image.name, manifests: outlook.manifests, root: outlook.root,
            unloadableConfig: image.unloadableConfig)
    }

    func outlook() throws -> Outlook {
        var blobs: [Digest: Descriptor] = [:]
        var estimates: Set<CopyReport.Image.Estimate> = []
        for (move, decision) in moves {
            switch decision {
            case .there(let descriptor): blobs[move.blob.digest] = descriptor
            case .move:
                blobs[move.blob.digest] = move.guess
                if let estimate = move.estimate { estimates.insert(estimate) }
            }
        }
        let manifests = try image.manifests(with: blobs)
        return Outlook(
            manifests: manifests, root: image.root(of: manifests),
            estimate: estimates.contains(.about) ? .about : estimates.first)
    }
}

extension BlobMove {
    /// What a layer is called once it is packed so.
    func resultType(_ compression: LayerCompression) -> MediaType {
        .layer(compression, in: blob.mediaType.manifestFamilyOfLayer) ?? .layer(compression, in: .oci)
            ?? blob.mediaType
    }

    /// How well `guess` can be known; nil if exactly.
    var estimate: CopyReport.Image.Estimate? {
        guard let compression else { return nil }
        return blob.mediaType.layerCompression == LayerCompression.none && compression != .none ? .atMost : .about
    }

    /// What the blob will be, before it is: no smaller, if it is going to be compressed.
    var guess: Descriptor {
        guard let compression else { return blob.plain }
        var guess = blob.plain
        guess.mediaType = resultType(compression)
        // What cannot be compressed grows a little.
        if estimate == .atMost { guess.size = blob.size.addingSaturated(blob.size / 256 + 1024) }
        return guess
    }
}

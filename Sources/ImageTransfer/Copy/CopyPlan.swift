public import ImageModel

/// One image that is going to be copied, and all that this takes.
struct PlannedImage: Sendable {
    var source: any ImageSource
    var image: SourceImage
    var name: ImageName
    /// Of whoever wished for it.
    var rule: String?
    var graph: ImageGraph
    /// The forms that layers get; digests that are not in it stay.
    var compressions: [Digest: LayerCompression]
    var format: ManifestFormat?
    /// See `AnnouncedImage`.
    var unloadableConfig: Digest?
    /// What messages may advise.
    var options = OptionNames()

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
            layers: blobs.filter { compressions[$0.key] != nil }, manifests: [:], format: format, options: options)
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

    /// All new manifests, with what can be guessed of the blobs.
    ///
    /// - Throws: `TransferError.refused` for what cannot be written.
    func rehearsal() throws -> [Manifest] {
        let guesses = moves.filter { $0.compression != nil }.map { ($0.blob.digest, $0.guess) }
        return try manifests(with: Dictionary(guesses) { first, _ in first })
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
    /// As it is reported.
    var entry: CopyReport.Image
    var referrers: [Descriptor]
}

/// All images of a copy, in order, checked against each other.
struct CopyPlan: Sendable {
    private enum Item {
        case planned(PlannedImage)
        /// Nothing is to be moved.
        case settled(SettledImage)
        /// Another image has its name.
        case passedOver(CopyReport.Image)
        /// It is among the failures.
        case refused
    }

    /// What to do if another image has the name.
    private let onClash: CopyOptions.OnExisting
    private let options: OptionNames
    private var items: [Item] = []
    var failures: [CopyReport.Failure]
    /// Whether a failure was reported that ends the copy.
    var isGivenUp = false
    private var claims: [Place: Claim] = [:]

    /// What only one image can have.
    private struct Place: Hashable {
        var name: ImageName
        /// Of an image that goes by that.
        var digest: Digest?

        init(_ name: ImageName, _ digest: Digest) {
            self.name = name
            self.digest = name.tag == nil ? digest : nil
        }
    }

    /// Who has it.
    private struct Claim {
        var item: Int
        var digest: Digest
        /// For messages.
        var title: String
        /// The reference that it was taken from.
        var source: String
        /// Of the entry that it has, or would have, in the report.
        var entry: CopyReport.Image
    }

    init(_ options: CopyOptions, failures: [CopyReport.Failure] = []) {
        onClash = options.onClash
        self.options = options.names
        self.failures = failures
    }

    var images: [PlannedImage] {
        items.compactMap { if case .planned(let image) = $0 { image } else { nil } }
    }

    var settled: [SettledImage] {
        items.compactMap { if case .settled(let image) = $0 { image } else { nil } }
    }

    /// What the report says of images that the destination has already, or is not to get.
    var idleEntries: [CopyReport.Image] {
        items.compactMap { item in
            switch item {
            case .settled(let image): image.entry
            case .passedOver(let entry): entry
            case .planned, .refused: nil
            }
        }
    }

    var count: Int { items.count }

    /// - Throws: `TransferError.refused`; the other image is among the failures then.
    mutating func add(_ image: PlannedImage) throws {
        let entry = CopyReport.Image(
            source: image.source.title, name: image.name, descriptor: image.graph.root,
            previousDigest: image.graph.root.digest, rule: image.rule)
        try add(
            .planned(image), entry, title: image.image.title, source: image.source.retryReference(to: image.image))
    }

    /// Takes in what the destination has.
    ///
    /// - Parameter source: the reference of the image.
    mutating func add(_ image: SettledImage, from source: String) throws {
        try add(.settled(image), image.entry, title: image.entry.name.description, source: source)
    }

    private mutating func add(_ item: Item, _ entry: CopyReport.Image, title: String, source: String) throws {
        let digest = entry.previousDigest
        let claim = Claim(
            item: items.count, digest: digest, title: "\(title) of \(entry.source)", source: source, entry: entry)
        let place = Place(entry.name, digest)
        guard let other = claims[place] else {
            claims[place] = claim
            items.append(item)
            return
        }
        guard other.digest != digest else { return }
        switch onClash {
        case .skip: items.append(.passedOver(Self.skipped(entry)))
        case .overwrite:
            items[other.item] = .passedOver(Self.skipped(other.entry))
            claims[place] = claim
            items.append(item)
        case .error:
            let error = TransferError.refused(
                "two different images would be called \(entry.name): \(other.title) (\(other.digest.short)) and "
                    + "\(claim.title) (\(digest.short))"
                    + options.advice(\.prefix) { "copy them separately, each with its own \($0)" }
                    + options.advice(\.onExisting) { "or choose with \($0): skip keeps the first, overwrite the last" })
            if case .refused = items[other.item] { throw error }
            items[other.item] = .refused
            failures.append(
                CopyReport.Failure(
                    source: other.source, name: entry.name.description, digest: other.digest,
                    rule: other.entry.rule, error: error))
            throw error
        }
    }

    /// What the report says of an image whose name another one has.
    private static func skipped(_ entry: CopyReport.Image) -> CopyReport.Image {
        var entry = entry
        entry.outcome = .skipped
        entry.bytesSkipped = 0
        return entry
    }
}

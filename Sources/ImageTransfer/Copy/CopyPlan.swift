package import ImageModel

/// One image that is going to be copied, and all that this takes. There may be very many, and each is in memory once.
final class PlannedImage: Sendable {
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
    var moves: [BlobMove] {
        var seen: Set<BlobMove.Key> = []
        var moves: [BlobMove] = []
        for node in nodes {
            for blob in node.blobs where !blob.staysAway {
                let move = BlobMove(
                    blob: blob, compression: compressions[blob.digest], diffID: node.diffIDs[blob.digest])
                if seen.insert(move.key).inserted { moves.append(move) }
            }
        }
        return moves
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
    /// - Throws: `TransferError.refused` for what cannot be written.
    func rehearsal(_ options: OptionNames) throws -> [Manifest] {
        let guesses = moves.filter { $0.compression != nil }.map { ($0.blob.digest, $0.guess) }
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

/// One image that the destination has already, under its name and with its referrers.
struct SettledImage: Sendable {
    /// As it is reported.
    var entry: CopyReport.Image
    /// Where it is in the source.
    var reference: String
    var referrers: [Descriptor]
}

/// All images of a copy, in order, checked against each other.
struct CopyPlan: Sendable {
    private enum Item {
        case planned(PlannedImage)
        /// Nothing is to be moved.
        indirect case settled(SettledImage)
        /// Another image has its name.
        indirect case passedOver(CopyReport.Image)
        /// It is among the failures.
        indirect case refused(CopyReport.Image)

        /// What is reported of it if nothing is done.
        var entry: CopyReport.Image {
            switch self {
            case .planned(let image): image.entry
            case .settled(let image): image.entry
            case .passedOver(let entry), .refused(let entry): entry
            }
        }

        /// The reference that it is taken from.
        var source: String {
            switch self {
            case .planned(let image): image.source.retryReference(to: image.image)
            case .settled(let image): image.reference
            case .passedOver(let entry), .refused(let entry): entry.source
            }
        }

        /// For messages.
        var title: String {
            let title = if case .planned(let image) = self { image.image.title } else { entry.name.description }
            return "\(title) of \(entry.source)"
        }
    }

    /// What to do if another image has the name.
    private let onClash: CopyOptions.OnExisting
    private let options: OptionNames
    private var items: [Item] = []
    var failures: [CopyReport.Failure]
    /// Whether a failure was reported that ends the copy.
    var isGivenUp = false
    /// Who has what, by the positions of the items.
    private var claims: [Place: Int] = [:]

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
    mutating func add(_ image: PlannedImage) throws { try add(.planned(image)) }

    /// Takes in what the destination has.
    mutating func add(_ image: SettledImage) throws { try add(.settled(image)) }

    private mutating func add(_ item: Item) throws {
        let entry = item.entry
        let place = Place(entry.name, entry.previousDigest)
        guard let position = claims[place] else {
            claims[place] = items.count
            items.append(item)
            return
        }
        let other = items[position]
        let (digest, otherDigest) = (entry.previousDigest, other.entry.previousDigest)
        guard otherDigest != digest else { return }
        switch onClash {
        case .skip: items.append(.passedOver(Self.skipped(entry)))
        case .overwrite:
            items[position] = .passedOver(Self.skipped(other.entry))
            claims[place] = items.count
            items.append(item)
        case .error:
            let error = TransferError.refused(
                "two different images would be called \(entry.name): \(other.title) (\(otherDigest.short)) and "
                    + "\(item.title) (\(digest.short))"
                    + options.advice(\.prefix) { "copy them separately, each with its own \($0)" }
                    + options.advice(\.onExisting) { "or choose with \($0): skip keeps the first, overwrite the last" })
            if case .refused = other { throw error }
            items[position] = .refused(other.entry)
            failures.append(
                CopyReport.Failure(
                    source: other.source, name: entry.name.description, digest: otherDigest,
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

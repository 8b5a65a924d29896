import ImageModel

/// Decides what has to be moved for each image, and what is there.
struct Decider {
    private let options: CopyOptions
    private let progress: Progress
    let remarks: Remarks
    private let destination: any ImageDestination
    private let tagsBefore: DestinationTags
    private let images: [PlannedImage]
    /// By repository.
    private lazy var tags = Dictionary(grouping: images, by: \.name.repository).mapValues {
        $0.compactMap(\.name.tag)
    }
    private var finder: LayerFinder
    private var planned: Set<BlobMove.Key> = []
    /// Manifests whose configs were looked into, once for all images that have them.
    private var checked: Set<Digest> = []

    init(
        options: CopyOptions, progress: Progress, destination: any ImageDestination, tags: DestinationTags,
        images: [PlannedImage]
    ) {
        self.options = options
        tagsBefore = tags
        self.progress = progress
        remarks = Remarks(progress)
        self.destination = destination
        self.images = images
        finder = LayerFinder(destination: destination, inflation: options.inflation, progress: progress)
    }

    /// Images that have their names there already, and are what they are going to be: one look at each, several at once,
    /// where a name that is there means that all of the image is. Where blobs are shared, to look for them costs little,
    /// and finds what has been lost.
    ///
    /// - Returns: for each image nil if it is not there, or not known to be.
    func whole() async throws -> [Result<ImageWork?, any Error>] {
        let traits = destination.traits
        guard traits.namesAreWhole, !traits.sharesBlobs, options.onExisting == .overwrite else {
            return images.map { _ in .success(nil) }
        }
        return try await images.mapConcurrently(limit: options.jobs) { image in
            do { return .success(try await whole(image)) } catch { return .failure(error) }
        }
    }

    private func whole(_ image: PlannedImage) async throws -> ImageWork? {
        // What refers to it is there or not for itself. Of what is kept from another registry, the planner has asked.
        guard image.name.tag != nil, !image.nodes.contains(where: \.isReferrer),
            !(image.source.isRemote && image.keepsDigests)
        else { return nil }
        var decisions: [ImageWork.Decision] = []
        for move in image.moves {
            guard let blob = foreseen(move) else { return nil }
            decisions.append(.there(blob))
        }
        var work = ImageWork(image: image, decisions: decisions)
        let root = try work.outlook().root
        work.whole = root
        return try await tagsBefore.digest(of: image.name) == root.digest ? work : nil
    }

    /// What a blob becomes; nil if that is not known before it does.
    private func foreseen(_ move: BlobMove) -> Descriptor? {
        guard let compression = move.compression else { return move.blob.plain }
        guard let diffID = move.diffID,
            var layer = destination.layerMemory?.layers(of: diffID, compression).first
        else { return nil }
        layer.mediaType = move.resultType(compression)
        return layer
    }

    mutating func decide(_ image: PlannedImage) async throws -> ImageWork {
        let repository = image.name.repository
        var decisions: [ImageWork.Decision] = []
        for move in image.moves {
            decisions.append(try await existing(move, in: repository).map { .there($0) } ?? .move)
        }
        let work = ImageWork(image: image, decisions: decisions)
        try await checkConfigs(of: work)
        for case (let move, .move) in work.moves where planned.insert(move.key).inserted {
            progress.plan(max(0, move.blob.size))
        }
        return work
    }

    private mutating func existing(_ move: BlobMove, in repository: String) async throws -> Descriptor? {
        guard let compression = move.compression else {
            return try await destination.has(move.blob, in: repository) ? move.blob.plain : nil
        }
        guard let diffID = move.diffID else { return nil }
        let found = try await finder.find(diffID, compression, in: repository, tags: tags[repository] ?? [])
        guard var layer = found else { return nil }
        layer.mediaType = move.resultType(compression)
        return layer
    }

    /// Looks into configs that are going to be read anyway: whether they tell a diffID for each layer, which of a raw layer
    /// is its digest. The bytes are copied as they are, whatever they say.
    private mutating func checkConfigs(of work: ImageWork) async throws {
        let image = work.image
        var isMoved: Set<Digest> = []
        for case (let move, .move) in work.moves { isMoved.insert(move.blob.digest) }
        for node in image.nodes where node.diffIDs.isEmpty {
            guard case .image(let content) = node.manifest.content, isMoved.contains(content.config.digest),
                checked.insert(node.manifest.digest).inserted,
                try await image.source.absence(of: content.config, in: image.image.repository) == nil
            else { continue }
            do {
                _ = try await ImageGraph.diffIDs(
                    of: content, in: image.source, repository: image.image.repository, title: image.image.title)
            } catch let misfit as ConfigMisfit {
                remarks.say("\(misfit)", "it is copied as it is")
            } catch let error as DocumentError {
                remarks.say("\(error)", "it is copied as it is")
            }
        }
    }
}

import ImageModel

/// Decides what has to be moved for each image, and what is there.
struct Decider {
    private let progress: Progress
    private let destination: any ImageDestination
    private let images: [PlannedImage]
    private var finder: LayerFinder
    private var planned: Set<BlobMove.Key> = []

    init(options: CopyOptions, progress: Progress, destination: any ImageDestination, images: [PlannedImage]) {
        self.progress = progress
        self.destination = destination
        self.images = images
        finder = LayerFinder(destination: destination, inflation: options.inflation, progress: progress)
    }

    mutating func decide(_ image: PlannedImage) async throws -> ImageWork {
        let repository = image.name.repository
        var moves: [(move: BlobMove, decision: ImageWork.Decision)] = []
        for move in image.moves {
            if let there = try await existing(move, in: repository) {
                moves.append((move, .there(there)))
            } else {
                moves.append((move, .move))
            }
        }
        try await checkConfigs(of: image, moves)
        for case (let move, .move) in moves where planned.insert(move.key).inserted {
            progress.plan(max(0, move.blob.size))
        }
        return ImageWork(image: image, moves: moves)
    }

    private mutating func existing(_ move: BlobMove, in repository: String) async throws -> Descriptor? {
        guard let compression = move.compression else {
            return try await destination.has(move.blob, in: repository) ? move.blob.plain : nil
        }
        guard let diffID = move.diffID else { return nil }
        let images = images
        let found = try await finder.find(
            diffID, compression, in: repository,
            tags: images.filter { $0.name.repository == repository }.compactMap(\.name.tag))
        guard var layer = found else { return nil }
        layer.mediaType = move.resultType(compression)
        return layer
    }

    /// Looks into configs that are going to be read anyway: they have to tell a diffID for each layer, and of
    /// a raw layer that is its digest.
    private func checkConfigs(
        of image: PlannedImage, _ moves: [(move: BlobMove, decision: ImageWork.Decision)]
    ) async throws {
        var isMoved: Set<Digest> = []
        for case (let move, .move) in moves { isMoved.insert(move.blob.digest) }
        for node in image.graph.nodes where node.diffIDs.isEmpty {
            guard case .image(let content) = node.manifest.content, isMoved.contains(content.config.digest),
                try await image.source.absence(of: content.config, in: image.image.repository) == nil
            else { continue }
            _ = try await ImageGraph.diffIDs(
                of: content, in: image.source, repository: image.image.repository, title: image.image.title)
        }
    }
}

import ByteStreams
import ImageModel

/// Looks up which blobs of images are at the destination.
struct BlobLookup {
    private let context: CopyContext
    private let images: [ImagePlan]
    /// By repository.
    private lazy var tags = Dictionary(grouping: images, by: \.name.repository).mapValues {
        $0.compactMap(\.name.tag)
    }
    private var finder: LayerFinder
    private var planned: Set<BlobJob.Key> = []
    /// Manifests whose configs were looked into, once for all images that have them.
    private var checked: Set<Digest> = []

    init(_ images: [ImagePlan], _ context: CopyContext) {
        self.context = context
        self.images = images
        finder = LayerFinder(
            destination: context.destination, memory: context.layerMemory, inflation: context.options.inflation,
            progress: context.progress)
    }

    private var destination: any ImageDestination { context.destination }

    /// Images that have their names there already, and are what they are going to be: one look at each, several at once,
    /// where a name that is there means that all of the image is. Where blobs are shared, to look for them costs little,
    /// and finds what has been lost.
    ///
    /// - Returns: for each image nil if it is not there, or not known to be.
    func whole() async throws -> [Result<ImageJob?, any Error>] {
        guard destination.wholeImages?.isRemote == true, context.options.onExisting == .overwrite
        else {
            return images.map { _ in .success(nil) }
        }
        return try await images.mapConcurrently(limit: context.options.jobs) { image in
            do { return .success(try await whole(image)) } catch { return .failure(error) }
        }
    }

    private func whole(_ image: ImagePlan) async throws -> ImageJob? {
        // What refers to it is there or not for itself. Of what is kept from another registry, the planner has asked.
        guard image.name.tag != nil, !image.nodes.contains(where: \.isReferrer),
            !(image.source.isRemote && image.keepsDigests)
        else { return nil }
        var decisions: [ImageJob.Decision] = []
        for job in image.blobs {
            guard let blob = foreseen(job) else { return nil }
            decisions.append(.there(blob))
        }
        var job = ImageJob(plan: image, decisions: decisions)
        let root = try job.forecast().root
        job.whole = root
        return try await context.tags.digest(of: image.name) == root.digest ? job : nil
    }

    /// What a blob becomes; nil if that is not known before it does.
    private func foreseen(_ job: BlobJob) -> Descriptor? {
        guard let compression = job.compression else { return job.blob.plain }
        guard let diffID = job.diffID,
            var layer = context.layerMemory?.layers(of: diffID, compression).first
        else { return nil }
        layer.mediaType = job.resultType(compression)
        return layer
    }

    mutating func look(for image: ImagePlan) async throws -> ImageJob {
        let repository = image.name.repository
        var decisions: [ImageJob.Decision] = []
        for blob in image.blobs {
            decisions.append(try await existing(blob, in: repository).map { .there($0) } ?? .move)
        }
        let job = ImageJob(plan: image, decisions: decisions)
        try await checkConfigs(of: job)
        for case (let blob, .move) in job.blobs where planned.insert(blob.key).inserted {
            context.progress.plan(max(0, blob.blob.size))
        }
        return job
    }

    private mutating func existing(_ job: BlobJob, in repository: String) async throws -> Descriptor? {
        guard let compression = job.compression else {
            return try await destination.has(job.blob, in: repository) ? job.blob.plain : nil
        }
        guard let diffID = job.diffID else { return nil }
        let found = try await finder.find(diffID, compression, in: repository, tags: tags[repository] ?? [])
        guard var layer = found else { return nil }
        layer.mediaType = job.resultType(compression)
        return layer
    }

    /// Looks into configs that are going to be read anyway: whether they tell a diffID for each layer, which of a raw layer
    /// is its digest. The bytes are copied as they are, whatever they say.
    private mutating func checkConfigs(of job: ImageJob) async throws {
        let image = job.plan
        var isMoved: Set<Digest> = []
        for case (let blob, .move) in job.blobs { isMoved.insert(blob.blob.digest) }
        for node in image.nodes where node.diffIDs.isEmpty {
            guard case .image(let content) = node.manifest.content, isMoved.contains(content.config.digest),
                checked.insert(node.manifest.digest).inserted,
                try await image.source.findAbsence(of: content.config, in: image.image.repository) == nil
            else { continue }
            do {
                _ = try await ImageGraph.diffIDs(
                    of: content, in: image.source, repository: image.image.repository, title: image.image.title)
            } catch let misfit as ConfigMisfit {
                context.remarks.say("\(misfit)", "it is copied as it is")
            } catch let error as ImageError where error.code == .invalidDocument {
                context.remarks.say("\(error)", "it is copied as it is")
            }
        }
    }
}

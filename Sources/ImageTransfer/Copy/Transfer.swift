import ByteStreams
import ImageModel

/// Carries out a plan.
struct Transfer {
    let options: CopyOptions
    let progress: Progress
    let destination: any ImageDestination
    let staged: StagedBlobs

    /// What is already decided about a blob.
    private enum Decision {
        case there(Descriptor)
        case move(BlobMove)
    }

    /// A blob that this copy has brought, and the repositories that it can be used in.
    private struct KnownBlob {
        let descriptor: Descriptor
        var repositories: Set<String> = []

        init(_ descriptor: Descriptor) { self.descriptor = descriptor }
    }

    func run(_ plan: CopyPlan) async throws -> CopyReport {
        var report = CopyReport(images: plan.failures, isDryRun: options.dryRun)
        let decisions = try await decide(plan)
        if !options.dryRun {
            try await checkSpace(decisions)
            let images = plan.images.map(\.announced)
            try await destination.begin(images.contains { $0 == nil } ? nil : images.compactMap { $0 })
        }
        var known: [BlobMove.Key: KnownBlob] = [:]
        for (image, decisions) in zip(plan.images, decisions) {
            var entry = CopyReport.Image(
                source: image.source.title, name: image.name, descriptor: image.graph.root,
                previousDigest: image.graph.root.digest)
            do {
                if try await mayReplace(image) {
                    try await copy(image, decisions, &known, &entry)
                } else {
                    entry.outcome = .skipped
                }
            } catch {
                guard options.keepGoing, !(error is CancellationError) else { throw error }
                entry.outcome = .failed(error)
            }
            report.images.append(entry)
        }
        return report
    }

    // MARK: Deciding

    private func decide(_ plan: CopyPlan) async throws -> [[Decision]] {
        var layers: [String: [Digest: [Descriptor]]] = [:]
        var planned: Set<BlobMove.Key> = []
        var all: [[Decision]] = []
        for image in plan.images {
            let repository = image.name.repository
            if !image.compressions.isEmpty, layers[repository] == nil {
                let tags = plan.images.filter { $0.name.repository == repository }.compactMap(\.name.tag)
                layers[repository] = try await destination.knownLayers(in: repository, tags: tags)
            }
            var decisions: [Decision] = []
            for move in image.moves {
                if let there = try await existing(move, in: repository, layers[repository] ?? [:]) {
                    decisions.append(.there(there))
                } else {
                    decisions.append(.move(move))
                    if planned.insert(move.key).inserted { progress.plan(max(0, move.blob.size)) }
                }
            }
            all.append(decisions)
        }
        return all
    }

    private func existing(
        _ move: BlobMove, in repository: String, _ layers: [Digest: [Descriptor]]
    ) async throws -> Descriptor? {
        guard let compression = move.compression else {
            return try await destination.has(move.blob, in: repository) ? move.blob.plain : nil
        }
        guard let diffID = move.diffID else { return nil }
        for layer in layers[diffID] ?? [] where layer.mediaType.layerCompression == compression {
            guard try await destination.has(layer, in: repository) else { continue }
            var layer = layer.plain
            layer.mediaType = .layer(compression, in: move.blob.mediaType.manifestFamilyOfLayer) ?? layer.mediaType
            return layer
        }
        return nil
    }

    private func checkSpace(_ decisions: [[Decision]]) async throws {
        guard let free = try await destination.freeSpace() else { return }
        var seen: Set<BlobMove.Key> = []
        var needed: Int64 = 0
        for case .move(let move) in decisions.joined()
        where move.compression == nil && move.blob.size > 0 && seen.insert(move.key).inserted {
            let (sum, overflow) = needed.addingReportingOverflow(move.blob.size)
            needed = overflow ? .max : sum
        }
        guard needed <= free else {
            throw TransferError.refused(
                "\(destination.title) has \(free) bytes free, and \(needed) have to be written: make room first")
        }
    }

    /// Whether the image's name is free, or may be taken.
    private func mayReplace(_ image: PlannedImage) async throws -> Bool {
        guard options.onExisting != .overwrite, image.name.tag != nil,
            let existing = try await destination.digest(of: image.name)
        else { return true }
        if options.onExisting == .skip { return false }
        guard existing == image.graph.root.digest else {
            throw TransferError.refused(
                "\(destination.title) has a \(image.name) already (\(existing)): --on-existing overwrite replaces it, skip leaves it"
            )
        }
        return true
    }

    // MARK: Moving

    private func copy(
        _ image: PlannedImage, _ decisions: [Decision], _ known: inout [BlobMove.Key: KnownBlob],
        _ entry: inout CopyReport.Image
    ) async throws {
        var results: [Digest: Descriptor] = [:]
        var moves: [BlobMove] = []
        for (decision, move) in zip(decisions, image.moves) {
            switch decision {
            case .there(let descriptor):
                results[move.blob.digest] = descriptor
                entry.bytesSkipped += max(0, descriptor.size)
            case .move(let move):
                if let done = try await reuse(&known[move.key], in: image.name.repository) {
                    results[move.blob.digest] = done
                    entry.bytesSkipped += max(0, done.size)
                } else {
                    moves.append(move)
                }
            }
        }
        if options.dryRun {
            for move in moves {
                entry.bytesMoved += max(0, move.blob.size)
                known[move.key, default: KnownBlob(move.blob.plain)].repositories.insert(image.name.repository)
            }
            return
        }
        let moved = try await run(moves, of: image)
        try await Workers.blobs.run { for (_, blob) in moved { try blob.commit() } }
        for (move, blob) in moved {
            known[move.key, default: KnownBlob(blob.descriptor)].repositories.insert(image.name.repository)
            results[move.blob.digest] = blob.descriptor
            entry.bytesMoved += max(0, blob.descriptor.size)
        }
        try await publish(image, results, &entry)
    }

    /// What an earlier image of this copy has brought, if this one can use it.
    private func reuse(_ known: inout KnownBlob?, in repository: String) async throws -> Descriptor? {
        guard let done = known else { return nil }
        if !destination.traits.sharesBlobs, !done.repositories.contains(repository), !options.dryRun {
            guard try await destination.adopt(done.descriptor, from: nil, in: nil, into: repository) else { return nil }
            known?.repositories.insert(repository)
        }
        return done.descriptor
    }

    private func run(_ moves: [BlobMove], of image: PlannedImage) async throws -> [(BlobMove, MovedBlob)] {
        let mover = BlobMover(
            source: image.source, destination: destination, staged: staged, options: options, progress: progress)
        let limit = max(1, min(options.jobs, destination.traits.concurrentBlobs))
        return try await withThrowingTaskGroup(of: (BlobMove, MovedBlob).self) { group in
            var waiting = moves.makeIterator()
            var results: [(BlobMove, MovedBlob)] = []
            func start(_ move: BlobMove, _ group: inout ThrowingTaskGroup<(BlobMove, MovedBlob), any Error>) {
                group.addTask {
                    (move, try await mover.move(move, from: image.image.repository, into: image.name.repository))
                }
            }
            for _ in 0..<limit {
                guard let move = waiting.next() else { break }
                start(move, &group)
            }
            do {
                while let result = try await group.next() {
                    results.append(result)
                    if let move = waiting.next() { start(move, &group) }
                }
                return results
            } catch {
                // What arrived is of no use without the rest, and that includes what nobody asked after yet.
                group.cancelAll()
                while let result = await group.nextResult() {
                    if case .success(let moved) = result { results.append(moved) }
                }
                for (_, blob) in results { blob.cancel() }
                throw error
            }
        }
    }

    /// Manifests child-first, then the name.
    private func publish(
        _ image: PlannedImage, _ blobs: [Digest: Descriptor], _ entry: inout CopyReport.Image
    ) async throws {
        var rewriter = ManifestRewriter(
            layers: blobs.filter { $0.key != $0.value.digest }, manifests: [:], format: image.format)
        let repository = image.name.repository
        var root = image.graph.root
        for node in image.graph.nodes {
            let manifest = try rewriter.rewrite(node)
            rewriter.manifests[node.manifest.digest] = manifest.descriptor
            if node.manifest.digest == image.graph.root.digest { root = manifest.descriptor }
            guard try await !destination.has(manifest: manifest.digest, in: repository) else { continue }
            try await destination.put(manifest, in: repository)
            entry.bytesMoved += manifest.size
        }
        for node in image.graph.nodes where node.isReferrer {
            try await destination.tag(
                node.manifest.descriptor, as: ImageName(host: image.name.host, repository: repository))
        }
        try await destination.tag(root, as: image.name)
        entry.descriptor = root
    }
}

extension PlannedImage {
    /// What will be written, if that is known before it is: nothing changes its form.
    fileprivate var announced: AnnouncedImage? {
        guard keepsDigests else { return nil }
        return AnnouncedImage(name: name, manifests: graph.nodes.map(\.manifest), root: graph.root)
    }
}

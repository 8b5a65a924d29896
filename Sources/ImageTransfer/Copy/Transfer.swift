import ByteStreams
import ImageModel

/// Carries out a plan.
struct Transfer {
    let options: CopyOptions
    let progress: Progress
    let destination: any ImageDestination
    let staged: StagedBlobs

    /// A blob that this copy has brought, and the repositories that it can be used in.
    private struct KnownBlob {
        let descriptor: Descriptor
        var repositories: Set<String> = []

        init(_ descriptor: Descriptor) { self.descriptor = descriptor }
    }

    func run(_ plan: CopyPlan) async throws -> CopyReport {
        var report = CopyReport(
            images: plan.settled.map(\.entry), failures: plan.failures, isDryRun: options.dryRun)
        if !options.dryRun {
            for image in plan.settled {
                try await destination.keep(image.descriptor, as: image.name, referrers: image.referrers)
            }
        }
        var works: [ImageWork] = []
        var decider = Decider(options: options, progress: progress, destination: destination, images: plan.images)
        for image in plan.images {
            do {
                let work = try await decider.decide(image)
                // All of them, before anything is written.
                if try await mayReplace(work) {
                    works.append(work)
                } else {
                    report.images.append(entry(of: image, .skipped))
                }
            } catch {
                try fail(image, error, &report)
            }
        }
        guard !works.isEmpty else { return report }
        try await checkProvisions(&works)
        if !options.dryRun {
            try await checkSpace(works)
            try await destination.begin(
                works.map { try $0.announced() },
                areCertain: !options.keepGoing && works.allSatisfy(\.image.keepsDigests))
            try await collect(works)
        }
        defer { if !options.dryRun { destination.layerMemory?.save() } }
        var known: [BlobMove.Key: KnownBlob] = [:]
        var foreseen: Set<ManifestPlace> = []
        for work in works {
            var entry = entry(of: work.image, .copied)
            do {
                if options.dryRun {
                    try await foresee(work, &known, &foreseen, &entry)
                } else {
                    try await copy(work, &known, &entry)
                }
                report.images.append(entry)
            } catch {
                try fail(work.image, error, &report)
            }
        }
        return report
    }

    private func entry(of image: PlannedImage, _ outcome: CopyReport.Image.Outcome) -> CopyReport.Image {
        CopyReport.Image(
            source: image.source.title, name: image.name, descriptor: image.graph.root,
            previousDigest: image.graph.root.digest, outcome: outcome)
    }

    /// Notes a failure, or stops for it.
    private func fail(_ image: PlannedImage, _ error: any Error, _ report: inout CopyReport) throws {
        guard options.keepGoing, !(error is CancellationError), destination.isIntact else { throw error }
        report.failures.append(
            CopyReport.Failure(
                source: image.source.title, name: image.name.description, digest: image.graph.root.digest, error: error)
        )
    }

    /// Sees what can be had from nowhere.
    ///
    /// - Throws: `TransferError.damaged` if that is anything; with `keepGoing`, it is for each image to say.
    private func checkProvisions(_ works: inout [ImageWork]) async throws {
        var provisions = Provisions(destination: destination, bases: options.bases)
        for position in works.indices {
            works[position].missing = try await provisions.missing(for: works[position])
        }
        let lacking = works.filter { !$0.missing.isEmpty }
        if !lacking.isEmpty, !options.keepGoing { throw provisions.error(lacking) }
    }

    private func checkSpace(_ works: [ImageWork]) async throws {
        guard let free = try await destination.freeSpace() else { return }
        var seen: Set<BlobMove.Key> = []
        var needed: Int64 = 0
        for case (let move, .move) in works.flatMap(\.moves)
        where move.compression == nil && move.blob.size > 0 && seen.insert(move.key).inserted {
            needed = needed.addingSaturated(move.blob.size)
        }
        guard needed <= free else {
            throw TransferError.refused(
                "\(destination.title) has \(free) bytes free, and \(needed) have to be written: make room first")
        }
    }

    /// Whether the image's name is free, or may be taken.
    private func mayReplace(_ work: ImageWork) async throws -> Bool {
        let name = work.image.name
        guard options.onExisting != .overwrite, name.tag != nil, let existing = try await destination.digest(of: name)
        else { return true }
        if options.onExisting == .skip { return false }
        // If a layer has to be packed anew, what is there is not made of it.
        let outlook = try work.outlook()
        guard outlook.estimate == nil, outlook.root.digest == existing else {
            throw TransferError.refused(
                "\(destination.title) has a \(name) already (\(existing)): --on-existing overwrite replaces it, skip leaves it"
            )
        }
        return true
    }

    // MARK: Dry runs

    /// Where a manifest is counted once.
    private struct ManifestPlace: Hashable {
        var digest: Digest
        var repository: String
    }

    private func foresee(
        _ work: ImageWork, _ known: inout [BlobMove.Key: KnownBlob], _ foreseen: inout Set<ManifestPlace>,
        _ entry: inout CopyReport.Image
    ) async throws {
        guard work.missing.isEmpty else { throw lack(work) }
        let repository = work.image.name.repository
        for (move, decision) in work.moves {
            var guess = move.guess
            if case .there(let descriptor) = decision { guess = descriptor }
            if case .move = decision, known[move.key] == nil {
                entry.bytesMoved = entry.bytesMoved.addingSaturated(max(0, guess.size))
                known[move.key] = KnownBlob(guess)
            } else {
                entry.bytesSkipped = entry.bytesSkipped.addingSaturated(max(0, guess.size))
            }
        }
        let outlook = try work.outlook()
        for manifest in outlook.manifests {
            let place = ManifestPlace(
                digest: manifest.digest, repository: destination.traits.isOneRepository ? "" : repository)
            guard try await !destination.has(manifest: manifest.digest, in: repository),
                foreseen.insert(place).inserted
            else { continue }
            entry.bytesMoved = entry.bytesMoved.addingSaturated(manifest.size)
        }
        entry.estimate = outlook.estimate
        entry.kept = work.image.keepsDigests
        if outlook.estimate == nil { entry.descriptor = outlook.root }
    }

    // MARK: Moving

    private func copy(
        _ work: ImageWork, _ known: inout [BlobMove.Key: KnownBlob], _ entry: inout CopyReport.Image
    ) async throws {
        let image = work.image
        let missing = Set(work.missing.map(\.blob.digest))
        var results: [Digest: Descriptor] = [:]
        var moves: [BlobMove] = []
        for (move, decision) in work.moves {
            switch decision {
            case .there(let descriptor):
                results[move.blob.digest] = descriptor
                entry.bytesSkipped = entry.bytesSkipped.addingSaturated(max(0, descriptor.size))
            case .move where missing.contains(move.blob.digest): break
            case .move:
                if let done = try await reuse(&known[move.key], in: image.name.repository) {
                    results[move.blob.digest] = done
                    entry.bytesSkipped = entry.bytesSkipped.addingSaturated(max(0, done.size))
                } else {
                    moves.append(move)
                }
            }
        }
        // What is there of it may make it complete another time, where it is kept until then.
        if !missing.isEmpty, !destination.traits.keepsLooseBlobs { throw lack(work) }
        let moved = try await run(moves, of: image)
        try await Workers.blobs.run { for (_, blob) in moved { try blob.commit() } }
        for (move, blob) in moved {
            known[move.key, default: KnownBlob(blob.descriptor)].repositories.insert(image.name.repository)
            results[move.blob.digest] = blob.descriptor
            entry.bytesMoved = entry.bytesMoved.addingSaturated(max(0, blob.descriptor.size))
            if let compression = move.compression, let diffID = move.diffID {
                destination.layerMemory?.remember(blob.descriptor, as: compression, of: diffID)
            }
        }
        guard missing.isEmpty else { throw lack(work) }
        try await publish(image, results, &entry)
    }

    private func lack(_ work: ImageWork) -> TransferError {
        Provisions(destination: destination, bases: options.bases).error([work])
    }

    /// What an earlier image of this copy has brought, if this one can use it.
    private func reuse(_ known: inout KnownBlob?, in repository: String) async throws -> Descriptor? {
        guard let done = known else { return nil }
        if !destination.traits.sharesBlobs, !done.repositories.contains(repository) {
            guard try await destination.adopt(done.descriptor, from: nil, in: nil, into: repository) else { return nil }
            known?.repositories.insert(repository)
        }
        return done.descriptor
    }

    private func mover(from source: any ImageSource) -> BlobMover {
        BlobMover(source: source, destination: destination, staged: staged, options: options, progress: progress)
    }

    /// Takes from each source that is read from front to back all that is wanted of it, in one run.
    private func collect(_ works: [ImageWork]) async throws {
        var streams: [any StreamedSource] = []
        var wanted: [ObjectIdentifier: [BlobMover.Wanted]] = [:]
        var seen: Set<BlobMove.Key> = []
        for work in works {
            let stream = work.image.source as? any StreamedSource
            for case (let move, .move) in work.moves where seen.insert(move.key).inserted {
                guard let stream, stream.access == .inOrder else { continue }
                if !streams.contains(where: { $0 === stream }) { streams.append(stream) }
                wanted[ObjectIdentifier(stream), default: []].append(
                    BlobMover.Wanted(
                        move: move, from: work.image.image.repository, into: work.image.name.repository))
            }
        }
        for stream in streams {
            try await mover(from: stream).collect(wanted[ObjectIdentifier(stream)] ?? [], of: stream)
        }
    }

    private func run(_ moves: [BlobMove], of image: PlannedImage) async throws -> [(BlobMove, MovedBlob)] {
        let mover = mover(from: image.source)
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
        let repository = image.name.repository
        let manifests = try image.manifests(with: blobs)
        for manifest in manifests where try await !destination.has(manifest: manifest.digest, in: repository) {
            try await destination.put(manifest, in: repository)
            entry.bytesMoved = entry.bytesMoved.addingSaturated(manifest.size)
        }
        for node in image.graph.nodes where node.isReferrer {
            try await destination.tag(
                node.manifest.descriptor, as: ImageName(host: image.name.host, repository: repository))
        }
        let root = image.root(of: manifests)
        try await destination.tag(root, as: image.name)
        entry.descriptor = root
        entry.kept = root.digest == entry.previousDigest
    }
}

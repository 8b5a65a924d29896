import ByteStreams
import ImageModel

/// Carries out a plan.
struct Transfer {
    let options: CopyOptions
    let progress: Progress
    let destination: any ImageDestination
    let tags: DestinationTags
    let staged: StagedBlobs
    private let traffic: BlobTraffic
    private let manifestTraffic = ManifestTraffic()

    init(
        options: CopyOptions, progress: Progress, destination: any ImageDestination, tags: DestinationTags,
        staged: StagedBlobs
    ) {
        self.options = options
        self.progress = progress
        self.destination = destination
        self.tags = tags
        self.staged = staged
        traffic = BlobTraffic(slots: max(1, min(options.jobs, destination.traits.concurrentBlobs)))
    }

    func run(_ plan: CopyPlan) async throws -> CopyReport {
        var report = CopyReport(images: plan.idleEntries, failures: plan.failures, isDryRun: options.dryRun)
        progress.plan(images: plan.count)
        if !options.dryRun {
            for image in plan.settled {
                try await destination.keep(image.entry.descriptor, as: image.entry.name, referrers: image.referrers)
            }
        }
        for image in report.images { progress.tell(.image(image)) }
        for failure in report.failures { progress.tell(.failure(failure)) }
        report.images.reserveCapacity(plan.count)
        var works: [ImageWork] = []
        works.reserveCapacity(plan.count)
        var decider = Decider(
            options: options, progress: progress, destination: destination, tags: tags, images: plan.images)
        for (image, whole) in zip(plan.images, try await decider.whole()) {
            do {
                if let work = try whole.get(), let root = work.whole {
                    if !options.dryRun { try await destination.keep(root, as: image.name, referrers: []) }
                    works.append(work)
                    continue
                }
                var work = try await decider.decide(image)
                work.tag = try await tag(of: image.name)
                // All of them, before anything is written.
                if try mayReplace(work) {
                    works.append(work)
                } else {
                    var entry = entry(of: image, .skipped)
                    note(work.tag, in: &entry)
                    report.images.append(entry)
                    progress.tell(.image(entry))
                }
            } catch {
                try fail(image, error, &report)
            }
        }
        decider.remarks.sumUp()
        guard !works.isEmpty else { return report }
        try await checkProvisions(&works)
        if let free = try await destination.freeSpace() {
            var disk = CopyReport.Disk(
                destination: destination.title, needed: Self.bytes(of: works, atMost: true), free: free)
            let certain = Self.bytes(of: works, atMost: false)
            guard certain <= free || options.dryRun else {
                throw TransferError.noRoom(in: destination.title, free: free, needed: certain)
            }
            if certain > free { disk.problem = "not enough room" }
            if let obstacle = try await destination.writeObstacle() { disk.problem = obstacle }
            report.disks = [disk]
        }
        progress.tell(.plan(images: works.count, bytes: progress.planned, disk: report.disks.first))
        if !options.dryRun {
            try await destination.begin(
                AnnouncedImages(count: works.count) { [works] in try works[$0].announced() },
                areCertain: !options.keepGoing && works.allSatisfy(\.image.keepsDigests))
            try await collect(works)
        }
        defer { if !options.dryRun { destination.layerMemory?.save() } }
        if options.dryRun {
            try await foresee(works, &report)
        } else {
            try await copy(works, &report)
        }
        return report
    }

    private func entry(of image: PlannedImage, _ outcome: CopyReport.Image.Outcome) -> CopyReport.Image {
        var entry = image.entry
        entry.outcome = outcome
        return entry
    }

    /// Notes a failure, or stops for it.
    private func fail(_ image: PlannedImage, _ error: any Error, _ report: inout CopyReport) throws {
        guard !(error is CancellationError) else { throw error }
        let failure = failure(of: image, error)
        progress.tell(.failure(failure))
        guard goesOn(after: error) else { throw error }
        report.failures.append(failure)
    }

    private func failure(of image: PlannedImage, _ error: any Error) -> CopyReport.Failure {
        CopyReport.Failure(
            source: image.source.retryReference(to: image.image), name: image.name.description,
            digest: image.root.digest, rule: image.rule, error: error)
    }

    private func goesOn(after error: any Error) -> Bool {
        options.keepGoing && !(error is CancellationError) && destination.isIntact
    }

    /// Finds what is missing from the source and from the destination.
    ///
    /// - Throws: `TransferError.damaged` if that is anything; with `keepGoing`, it is for each image to say.
    private func checkProvisions(_ works: inout [ImageWork]) async throws {
        var provisions = Provisions(options, destination: destination)
        for position in works.indices {
            works[position].missing = try await provisions.missing(for: works[position])
        }
        let lacking = works.filter { !$0.missing.isEmpty }
        guard !lacking.isEmpty, !options.keepGoing else { return }
        let error = provisions.error(lacking)
        for work in lacking { progress.tell(.failure(failure(of: work.image, error))) }
        throw error
    }

    private func lack(_ work: ImageWork) -> TransferError {
        Provisions(options, destination: destination).error([work])
    }

    /// What has to be written.
    ///
    /// - Parameter atMost: whether layers that change their form count, of which only the most is known.
    private static func bytes(of works: [ImageWork], atMost: Bool) -> Int64 {
        var seen: Set<BlobMove.Key> = []
        var bytes: Int64 = 0
        for move in works.lazy.flatMap(\.wanted)
        where (atMost || move.compression == nil) && seen.insert(move.key).inserted {
            bytes = bytes.addingSaturated(max(0, move.guess.size))
        }
        return bytes
    }

    private func tag(of name: ImageName) async throws -> ImageWork.Tag {
        guard name.tag != nil else { return .unknown }
        do {
            return try await tags.digest(of: name).map { .names($0) } ?? .free
        } catch let error where options.onExisting == .overwrite && !(error is CancellationError) {
            // A tag that is going to be replaced may be damaged.
            return .unknown
        }
    }

    /// Notes what becomes of the tag.
    private func note(_ tag: ImageWork.Tag, in entry: inout CopyReport.Image) {
        switch tag {
        case .unknown: break
        case .free: entry.isNewTag = true
        case .names(let digest) where digest != entry.descriptor.digest: entry.replacedDigest = digest
        case .names: break
        }
    }

    /// Whether the image's name is free, or may be taken.
    private func mayReplace(_ work: ImageWork) throws -> Bool {
        let name = work.image.name
        guard options.onExisting != .overwrite, case .names(let existing) = work.tag else { return true }
        // If a layer has to be packed anew, what is there is not made of it.
        let outlook = try work.outlook()
        guard outlook.estimate == nil, outlook.root.digest == existing else {
            if options.onExisting == .skip { return false }
            throw TransferError.refused(
                "\(destination.title) has a \(name) already (\(existing))"
                    + options.names.advice(\.onExisting) { "\($0) overwrite replaces it, skip keeps it" })
        }
        return true
    }

    // MARK: Dry runs

    /// Where a manifest is counted once.
    private struct ManifestPlace: Hashable {
        var digest: Digest
        var repository: String
    }

    private func foresee(_ works: [ImageWork], _ report: inout CopyReport) async throws {
        var moved: Set<BlobMove.Key> = []
        var foreseen: Set<ManifestPlace> = []
        for work in works {
            do {
                let entry = try await foresee(work, &moved, &foreseen)
                report.images.append(entry)
                progress.tell(.image(entry))
            } catch {
                try fail(work.image, error, &report)
            }
        }
    }

    private func foresee(
        _ work: ImageWork, _ moved: inout Set<BlobMove.Key>, _ foreseen: inout Set<ManifestPlace>
    ) async throws -> CopyReport.Image {
        guard work.missing.isEmpty else { throw lack(work) }
        var entry = entry(of: work.image, .copied)
        let repository = work.image.name.repository
        for (move, decision) in work.moves {
            var guess = move.guess
            if case .there(let descriptor) = decision { guess = descriptor }
            if case .move = decision, moved.insert(move.key).inserted {
                entry.bytesMoved = entry.bytesMoved.addingSaturated(max(0, guess.size))
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
        note(work.tag, in: &entry)
        return entry
    }

    // MARK: Moving

    /// Images in their order; several at once where the order does not show.
    private func copy(_ works: [ImageWork], _ report: inout CopyReport) async throws {
        let limit = destination.traits.ordersImages ? 1 : options.jobs
        try await works.forEachConcurrently(limit: limit) { work in
            // In their order: what a later image has not got in its source, an earlier one brings.
            await traffic.claim(work.wanted).map(\.key)
        } body: { work, own -> Result<CopyReport.Image, any Error> in
            do {
                let entry = try await copy(work, bringing: Set(own))
                progress.tell(.image(entry))
                return .success(entry)
            } catch  where goesOn(after: error) {
                return .failure(error)
            } catch  where !(error is CancellationError) {
                progress.tell(.failure(failure(of: work.image, error)))
                throw error
            }
        } then: { work, result in
            switch result {
            case .success(let entry): report.images.append(entry)
            case .failure(let error): try fail(work.image, error, &report)
            }
        }
    }

    /// - Parameter keys: of what the image has claimed.
    private func copy(_ work: ImageWork, bringing keys: Set<BlobMove.Key>) async throws -> CopyReport.Image {
        let wanted = work.wanted
        let own = wanted.filter { keys.contains($0.key) }
        // What is there of it may make it complete another time, where it is kept until then.
        guard work.missing.isEmpty || destination.traits.keepsLooseBlobs else {
            await traffic.giveUp(own)
            throw lack(work)
        }
        let start = ContinuousClock.now
        var entry = entry(of: work.image, .copied)
        var results: [Digest: Descriptor] = [:]
        for case (let move, .there(let descriptor)) in work.moves {
            results[move.blob.digest] = descriptor
            entry.bytesSkipped = entry.bytesSkipped.addingSaturated(max(0, descriptor.size))
        }
        if let root = work.whole {
            entry.descriptor = root
            entry.kept = root.digest == entry.previousDigest
            return entry
        }
        try await bring(own, of: work.image, &results, &entry)
        for move in wanted where !keys.contains(move.key) {
            if let there = await traffic.arrival(of: move) {
                if try await isUsable(there, move, in: work.image.name.repository) {
                    results[move.blob.digest] = there
                    entry.bytesSkipped = entry.bytesSkipped.addingSaturated(max(0, there.size))
                    continue
                }
            }
            try await bring([move], of: work.image, &results, &entry)
        }
        guard work.missing.isEmpty else { throw lack(work) }
        try await publishInTakenFormat(work.image, results, &entry)
        note(work.tag, in: &entry)
        entry.seconds = (ContinuousClock.now - start) / .seconds(1)
        return entry
    }

    /// Moves blobs that the image has claimed.
    private func bring(
        _ moves: [BlobMove], of image: PlannedImage, _ results: inout [Digest: Descriptor],
        _ entry: inout CopyReport.Image
    ) async throws {
        do {
            let moved = try await run(moves, of: image)
            try await Workers.blobs.run {
                // Those that have their names by then keep them.
                defer { for (_, blob) in moved { blob.cancel() } }
                for (_, blob) in moved { try blob.commit() }
            }
            for (move, blob) in moved {
                await traffic.note(move, as: blob.descriptor, in: image.name.repository)
                results[move.blob.digest] = blob.descriptor
                entry.bytesMoved = entry.bytesMoved.addingSaturated(max(0, blob.descriptor.size))
                if let compression = move.compression, let diffID = move.diffID {
                    destination.layerMemory?.remember(blob.descriptor, as: compression, of: diffID)
                }
            }
        } catch {
            await traffic.giveUp(moves)
            throw error
        }
    }

    /// Whether what another image of this copy has brought can be used in a repository.
    private func isUsable(_ there: Descriptor, _ move: BlobMove, in repository: String) async throws -> Bool {
        if destination.traits.sharesBlobs { return true }
        return try await traffic.isUsable(move, in: repository) {
            try await destination.adopt(there, from: nil, in: nil, into: repository)
        }
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
            for move in work.wanted where seen.insert(move.key).inserted {
                guard let stream, stream.access == .inOrder else { continue }
                if !streams.contains(where: { $0 === stream }) { streams.append(stream) }
                wanted[ObjectIdentifier(stream), default: []].append(
                    BlobMover.Wanted(
                        move: move, from: work.image.image.repository, into: work.image.name.repository))
            }
        }
        for stream in streams {
            do {
                try await mover(from: stream).collect(wanted[ObjectIdentifier(stream)] ?? [], of: stream)
            } catch  where !(error is CancellationError) {
                progress.tell(.failure(CopyReport.Failure(source: stream.retryReference, error: error)))
                throw error
            }
        }
    }

    private func run(_ moves: [BlobMove], of image: PlannedImage) async throws -> [(BlobMove, MovedBlob)] {
        let mover = mover(from: image.source)
        let traffic = traffic
        return try await withThrowingTaskGroup(of: (BlobMove, MovedBlob).self) { group in
            // Started in their order: where one blob moves at a time, the order shows.
            var waiting = moves.makeIterator()
            func startNext() {
                guard let move = waiting.next() else { return }
                group.addTask {
                    try await traffic.withSlot {
                        (move, try await mover.move(move, from: image.image.repository, into: image.name.repository))
                    }
                }
            }
            for _ in 0..<traffic.slots { startNext() }
            var results: [(BlobMove, MovedBlob)] = []
            do {
                while let result = try await group.next() {
                    results.append(result)
                    startNext()
                }
                return results
            } catch {
                group.cancelAll()
                while let result = await group.nextResult() {
                    if case .success(let moved) = result { results.append(moved) }
                }
                if isOfUse(after: error) {
                    // What cannot be kept comes again.
                    try? await Workers.blobs.run { [results] in for (_, blob) in results { try? blob.commit() } }
                }
                for (_, blob) in results { blob.cancel() }
                throw error
            }
        }
    }

    /// Whether blobs that arrived are of use to the next copy, after what happened to another blob of their image: they are
    /// if a registry failed, and not if the image is damaged or the destination is full.
    private func isOfUse(after error: any Error) -> Bool {
        destination.traits.keepsLooseBlobs
            && !(error is TransferError || error is StreamError || error is DocumentError || error is CancellationError)
    }

    /// Publishes in the image's own family, or as OCI if the destination accepts only OCI and the manifests are dray's
    /// own work.
    private func publishInTakenFormat(
        _ image: PlannedImage, _ blobs: [Digest: Descriptor], _ entry: inout CopyReport.Image
    ) async throws {
        let mayChange = image.hasOwnManifests && options.format == nil && !options.strict
        if mayChange, (destination as? any ChoosesManifestFormat)?.refuses(.docker) == true {
            return try await publish(image, blobs, in: .oci, &entry)
        }
        do {
            try await publish(image, blobs, &entry)
        } catch let refusal as ManifestFormatRefused where refusal.format == .docker {
            guard mayChange else {
                let advice = options.names.advice(\.format) {
                    "if the registry accepts only OCI manifests, pass \($0) oci; this changes the digest"
                }
                throw TransferError.refused("\(refusal)" + advice)
            }
            try await publish(image, blobs, in: .oci, &entry)
            progress.remark("\(destination.title): schema2 manifests are refused; \(image.name) is pushed as OCI")
        }
    }

    /// Manifests child-first, and the name last: with the root, or after all that refers to it.
    ///
    /// - Parameter family: of the manifests, instead of the one that the plan has.
    private func publish(
        _ image: PlannedImage, _ blobs: [Digest: Descriptor], in family: ManifestFormat? = nil,
        _ entry: inout CopyReport.Image
    ) async throws {
        let name = image.name
        let manifests = try image.manifests(with: blobs, in: family)
        let root = image.root(of: manifests)
        guard let top = manifests.first(where: { $0.digest == root.digest }) else {
            throw TransferError.damaged("\(name) has no manifest \(root.digest) among its own")
        }
        let referrers = image.nodes.filter(\.isReferrer)
        let parts = referrers.isEmpty ? manifests.filter { $0.digest != top.digest } : manifests
        for manifest in parts {
            let isNew = try await manifestTraffic.alone(at: manifest, in: name.repository) { [destination] in
                try await destination.putIfAbsent(manifest, in: name.repository)
            }
            if isNew { entry.bytesMoved = entry.bytesMoved.addingSaturated(manifest.size) }
        }
        for node in referrers {
            try await destination.tag(
                node.manifest.descriptor, as: ImageName(host: name.host, repository: name.repository))
        }
        let isNew = try await manifestTraffic.alone(at: top, tagged: name.tag, in: name.repository) { [destination] in
            if referrers.isEmpty { return try await destination.put(top, as: name) }
            try await destination.tag(root, as: name)
            return false
        }
        if isNew { entry.bytesMoved = entry.bytesMoved.addingSaturated(top.size) }
        entry.descriptor = root
        entry.kept = root.digest == entry.previousDigest
    }
}

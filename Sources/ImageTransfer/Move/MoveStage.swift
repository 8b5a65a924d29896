import ByteStreams
import ImageModel

/// Brings the blobs of images to the destination: each once, however many images have it, and several at a time.
struct MoveStage: Sendable {
    private let context: CopyContext
    private let staged: EarlyBlobs
    private let traffic: BlobTraffic
    private var destination: any ImageDestination { context.destination }

    /// - Parameter staged: blobs that came by before there was a plan.
    init(_ context: CopyContext, _ staged: EarlyBlobs) {
        self.context = context
        self.staged = staged
        traffic = BlobTraffic(slots: context.destination.traits.blobs == .anyOrder ? max(1, context.options.jobs) : 1)
    }

    /// What the blobs of an image are at the destination, and how they came there.
    struct Moved {
        var blobs: [Digest: Descriptor] = [:]
        var bytesMoved: Int64 = 0
        /// Of blobs that were there, or that another image of the copy has brought.
        var bytesSkipped: Int64 = 0

        fileprivate mutating func skip(_ blob: Descriptor, as there: Descriptor) {
            blobs[blob.digest] = there
            bytesSkipped = bytesSkipped.addingSaturated(max(0, there.size))
        }
    }

    /// Takes from each source that is read from front to back all that is wanted of it, in one run.
    func collect(_ jobs: [ImageJob]) async throws {
        var streams: [any StreamedSource] = []
        var wanted: [ObjectIdentifier: [BlobMover.RoutedJob]] = [:]
        var seen: Set<BlobJob.Key> = []
        for job in jobs {
            let stream = job.plan.source as? any StreamedSource
            for blob in job.wanted where seen.insert(blob.key).inserted {
                guard let stream, stream.access != .anyOrder else { continue }
                if !streams.contains(where: { $0 === stream }) { streams.append(stream) }
                wanted[ObjectIdentifier(stream), default: []].append(
                    BlobMover.RoutedJob(
                        job: blob, from: job.plan.image.repository, into: job.plan.name.repository))
            }
        }
        for stream in streams {
            do {
                let (mover, wanted) = (mover(from: stream), wanted[ObjectIdentifier(stream)] ?? [])
                if stream.access == .once {
                    try await mover.makeForms(wanted)
                } else {
                    try await mover.collect(wanted, of: stream)
                }
            } catch  where !(error is CancellationError) {
                context.progress.tell(.failure(CopyReport.Failure(source: stream.retryReference, error: error)))
                throw error
            }
        }
    }

    /// Blobs that the image is to bring. Images claim in their order: what a later one has not got in its source, an
    /// earlier one brings.
    func claim(_ job: ImageJob) async -> Set<BlobJob.Key> { Set(await traffic.claim(job.wanted).map(\.key)) }

    /// Brings what the image has claimed, and waits for what others have.
    ///
    /// - Throws: `ImageError.damaged` if something is missing.
    func move(_ job: ImageJob, claimed: Set<BlobJob.Key>) async throws -> Moved {
        let wanted = job.wanted
        let own = wanted.filter { claimed.contains($0.key) }
        // What is there of it may make it complete another time, where it is kept until then.
        guard job.missing.isEmpty || destination.traits.keepsLooseBlobs else {
            await traffic.giveUp(own)
            throw MissingBlobs(context).error([job])
        }
        var moved = Moved()
        for case (let blob, .there(let descriptor)) in job.blobs { moved.skip(blob.blob, as: descriptor) }
        guard job.whole == nil else { return moved }
        try await bring(own, of: job.plan, &moved)
        for blob in wanted where !claimed.contains(blob.key) {
            if let there = await traffic.arrival(of: blob),
                try await isUsable(there, blob, in: job.plan.name.repository)
            {
                moved.skip(blob.blob, as: there)
            } else {
                try await bring([blob], of: job.plan, &moved)
            }
        }
        guard job.missing.isEmpty else { throw MissingBlobs(context).error([job]) }
        return moved
    }

    /// Whether what another image of this copy has brought can be used in a repository.
    private func isUsable(_ there: Descriptor, _ blob: BlobJob, in repository: String) async throws -> Bool {
        guard let place = destination as? any MountsBlobs else { return true }
        return try await traffic.isUsable(blob, in: repository) {
            try await place.mount(there, from: nil, in: nil, into: repository)
        }
    }

    /// Moves blobs that the image has claimed.
    private func bring(_ blobs: [BlobJob], of image: ImagePlan, _ moved: inout Moved) async throws {
        do {
            let arrived = try await run(blobs, of: image)
            try await Workers.blobs.run {
                // Those that have their names by then keep them.
                defer { for (_, blob) in arrived { blob.cancel() } }
                for (_, blob) in arrived { try blob.commit() }
            }
            for (job, blob) in arrived {
                await traffic.note(job, as: blob.descriptor, in: image.name.repository)
                moved.blobs[job.blob.digest] = blob.descriptor
                moved.bytesMoved = moved.bytesMoved.addingSaturated(max(0, blob.descriptor.size))
                if let compression = job.compression, let diffID = job.diffID {
                    context.layerMemory?.remember(blob.descriptor, as: compression, of: diffID)
                }
            }
        } catch {
            await traffic.giveUp(blobs)
            throw error
        }
    }

    private func mover(from source: any ImageSource) -> BlobMover {
        BlobMover(
            source: source, destination: destination, staged: staged, options: context.options,
            progress: context.progress)
    }

    private func run(_ blobs: [BlobJob], of image: ImagePlan) async throws -> [(BlobJob, MovedBlob)] {
        let mover = mover(from: image.source)
        let traffic = traffic
        return try await withThrowingTaskGroup(of: (BlobJob, MovedBlob).self) { group in
            // Started in their order: where one blob moves at a time, the order shows.
            var waiting = blobs.makeIterator()
            func startNext() {
                guard let job = waiting.next() else { return }
                group.addTask {
                    try await traffic.withSlot {
                        (job, try await mover.move(job, from: image.image.repository, into: image.name.repository))
                    }
                }
            }
            for _ in 0..<traffic.slots { startNext() }
            var arrived: [(BlobJob, MovedBlob)] = []
            do {
                while let result = try await group.next() {
                    arrived.append(result)
                    startNext()
                }
                return arrived
            } catch {
                // What came by once is not to be had again, and another image may want it.
                let staysStaged = image.source.access == .once && context.options.keepGoing
                if !staysStaged { group.cancelAll() }
                while let result = await group.nextResult() {
                    if case .success(let moved) = result { arrived.append(moved) }
                }
                if isOfUse(after: error) {
                    // What cannot be kept comes again.
                    try? await Workers.blobs.run { [arrived] in for (_, blob) in arrived { try? blob.commit() } }
                }
                for (job, blob) in arrived {
                    if staysStaged {
                        staged.keep(.success(blob), for: job.key)
                    } else {
                        blob.cancel()
                    }
                }
                throw error
            }
        }
    }

    /// Whether blobs that arrived are of use to the next copy, after what happened to another blob of their image: they are
    /// if a registry failed, and not if the image is damaged or the destination is full.
    private func isOfUse(after error: any Error) -> Bool {
        guard destination.traits.keepsLooseBlobs, !(error is CancellationError) else { return false }
        guard let error = error as? ImageError else { return true }
        return error.code == .service || error.code == .unauthorised
    }
}

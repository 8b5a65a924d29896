import ImageModel

/// Decides for each planned image what has to be moved, and whether its name may be taken: for all of them, before
/// anything is written.
struct DecideStage {
    private let context: CopyContext
    private var options: CopyOptions { context.options }
    private var destination: any ImageDestination { context.destination }

    init(_ context: CopyContext) { self.context = context }

    /// - Returns: images that are to be copied; what became of the others is in the report.
    /// - Throws: what stops the copy; with `keepGoing`, failures of single images are in the report.
    func decide(_ images: [ImagePlan], _ report: inout CopyReport) async throws -> [ImageJob] {
        var jobs = try await lookUp(images, &report)
        context.remarks.sumUp()
        guard !jobs.isEmpty else { return [] }
        try await findMissing(&jobs)
        if let disk = try await disk(for: jobs) { report.disks = [disk] }
        context.progress.tell(
            .plan(images: jobs.count, bytes: context.progress.planned, disk: report.disks.first))
        return jobs
    }

    private func lookUp(_ images: [ImagePlan], _ report: inout CopyReport) async throws -> [ImageJob] {
        var jobs: [ImageJob] = []
        jobs.reserveCapacity(images.count)
        var lookup = BlobLookup(images, context)
        for (image, whole) in zip(images, try await lookup.whole()) {
            do {
                if let job = try whole.get() {
                    jobs.append(job)
                    continue
                }
                var job = try await lookup.look(for: image)
                job.tag = try await tag(of: image.name)
                if try mayReplace(job) {
                    jobs.append(job)
                } else {
                    let entry = job.entry(.skipped)
                    report.images.append(entry)
                    context.progress.tell(.image(entry))
                }
            } catch {
                try context.note(error, of: image, in: &report)
            }
        }
        return jobs
    }

    private func tag(of name: ImageName) async throws -> ImageJob.Tag {
        guard name.tag != nil else { return .unknown }
        do {
            return try await context.tags.digest(of: name).map { .names($0) } ?? .free
        } catch let error where options.onExisting == .overwrite && !(error is CancellationError) {
            // A tag that is going to be replaced may be damaged.
            return .unknown
        }
    }

    /// Whether the image's name is free, or may be taken.
    private func mayReplace(_ job: ImageJob) throws -> Bool {
        guard options.onExisting != .overwrite, case .names(let existing) = job.tag else { return true }
        // If a layer has to be packed anew, what is there is not made of it.
        let forecast = try job.forecast()
        guard forecast.estimate == nil, forecast.root.digest == existing else {
            if options.onExisting == .skip { return false }
            throw ImageError.refused(
                "\(destination.title) has a \(job.plan.name) already (\(existing))"
                    + options.names.advice(\.onExisting) { "\($0) overwrite replaces it, skip keeps it" })
        }
        return true
    }

    /// Finds what is missing from the source and from the destination.
    ///
    /// - Throws: `ImageError.damaged` if that is anything; with `keepGoing`, it is for each image to say.
    private func findMissing(_ jobs: inout [ImageJob]) async throws {
        var missing = MissingBlobs(context)
        for position in jobs.indices { jobs[position].missing = try await missing.find(in: jobs[position]) }
        let lacking = jobs.filter { !$0.missing.isEmpty }
        guard !lacking.isEmpty, !options.keepGoing else { return }
        let error = missing.error(lacking)
        for job in lacking { context.progress.tell(.failure(job.plan.failure(error))) }
        throw error
    }

    /// - Returns: nil where the destination cannot tell how much room it has.
    /// - Throws: `ImageError.noRoom`.
    private func disk(for jobs: [ImageJob]) async throws -> CopyReport.Disk? {
        guard let place = destination as? any OccupiesDisk, let free = try await place.freeSpace() else { return nil }
        var disk = CopyReport.Disk(
            destination: destination.title, needed: Self.bytes(of: jobs, atMost: true), free: free)
        let certain = Self.bytes(of: jobs, atMost: false)
        guard certain <= free || options.dryRun else {
            throw ImageError.noRoom(in: destination.title, free: free, needed: certain)
        }
        if certain > free { disk.problem = "not enough room" }
        if let obstacle = try await place.writeObstacle() { disk.problem = obstacle }
        return disk
    }

    /// What has to be written.
    ///
    /// - Parameter atMost: whether layers that change their form count, of which only the most is known.
    private static func bytes(of jobs: [ImageJob], atMost: Bool) -> Int64 {
        var seen: Set<BlobJob.Key> = []
        var bytes: Int64 = 0
        for blob in jobs.lazy.flatMap(\.wanted)
        where (atMost || blob.compression == nil) && seen.insert(blob.key).inserted {
            bytes = bytes.addingSaturated(max(0, blob.guess.size))
        }
        return bytes
    }
}

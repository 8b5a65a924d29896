import ByteStreams
import ImageModel

/// One copy, from the plan to the last name: Plan, Decide, Move, Publish.
struct CopyRun {
    private let context: CopyContext
    private let mover: MoveStage
    private let publisher: PublishStage
    private var options: CopyOptions { context.options }
    private var destination: any ImageDestination { context.destination }

    /// - Parameter staged: blobs that came by before there was a plan.
    init(_ context: CopyContext, _ staged: EarlyBlobs) {
        self.context = context
        mover = MoveStage(context, staged)
        publisher = PublishStage(context)
    }

    /// - Parameter failures: sources that have failed already.
    func copy(_ selections: [CopySelection], failures: [CopyReport.Failure]) async throws -> CopyReport {
        let plan = try await PlanStage(context).plan(selections, failures: failures)
        var report = try await begin(plan)
        let jobs = try await DecideStage(context).decide(plan.images, &report)
        if options.dryRun {
            var dryRun = DryRun(context)
            try await dryRun.foresee(jobs, &report)
        } else if !jobs.isEmpty {
            try await destination.begin(
                AnnouncedImages(count: jobs.count) { try jobs[$0].announced() },
                areCertain: !options.keepGoing && jobs.allSatisfy(\.plan.keepsDigests))
            defer { context.layerMemory?.save() }
            try await mover.collect(jobs)
            try await copy(jobs, &report)
        }
        return report
    }

    /// Reports what is there already, and what has failed by now.
    private func begin(_ plan: CopyPlan) async throws -> CopyReport {
        var report = CopyReport(images: plan.idleEntries, failures: plan.failures, isDryRun: options.dryRun)
        context.progress.plan(images: plan.count)
        if !options.dryRun {
            for image in plan.settled {
                try await (destination as? any ListsAllImages)?.keep(
                    image.entry.descriptor, as: image.entry.name, referrers: image.referrers)
            }
        }
        for image in report.images { context.progress.tell(.image(image)) }
        for failure in report.failures { context.progress.tell(.failure(failure)) }
        report.images.reserveCapacity(plan.count)
        return report
    }

    /// Images in their order; several at once where the order does not show.
    private func copy(_ jobs: [ImageJob], _ report: inout CopyReport) async throws {
        let limit = destination.traits.ordersImages ? 1 : options.jobs
        try await jobs.forEachConcurrently(limit: limit) { job in
            await mover.claim(job)
        } body: { job, claimed -> Result<CopyReport.Image, any Error> in
            do {
                let entry = try await copy(job, claimed)
                context.progress.tell(.image(entry))
                return .success(entry)
            } catch  where context.goesOn(after: error) {
                return .failure(error)
            } catch  where !(error is CancellationError) {
                context.progress.tell(.failure(job.plan.failure(error)))
                throw error
            }
        } then: { job, result in
            switch result {
            case .success(let entry): report.images.append(entry)
            case .failure(let error): try context.note(error, of: job.plan, in: &report)
            }
        }
    }

    private func copy(_ job: ImageJob, _ claimed: Set<BlobJob.Key>) async throws -> CopyReport.Image {
        let start = ContinuousClock.now
        let moved = try await mover.move(job, claimed: claimed)
        var entry = job.entry(.copied)
        (entry.bytesMoved, entry.bytesSkipped) = (moved.bytesMoved, moved.bytesSkipped)
        if let root = job.whole {
            entry.descriptor = root
        } else {
            let published = try await publisher.publish(job.plan, moved.blobs)
            entry.bytesMoved = entry.bytesMoved.addingSaturated(published.bytes)
            entry.descriptor = published.root
            job.note(tag: &entry)
            entry.seconds = (ContinuousClock.now - start) / .seconds(1)
        }
        entry.kept = entry.descriptor.digest == entry.previousDigest
        return entry
    }
}

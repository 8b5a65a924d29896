package import ImageModel

/// What moves in one copy: each blob once, however many images have it, and so many at a time.
///
/// An image claims the blobs that it brings before the first one moves, and only once it has brought them waits for
/// those that others bring: so nobody waits for somebody who waits for him.
package actor BlobTraffic {
    /// A blob that this copy has brought, and the repositories that it can be used in.
    private struct Arrival {
        let descriptor: Descriptor
        var repositories: Set<String>
    }

    /// What one image does for all.
    private enum Claim: Hashable {
        case bringing(BlobJob.Key)
        case mounting(BlobJob.Key, into: String)
    }

    private var arrivals: [BlobJob.Key: Arrival] = [:]
    /// What is under way, and who waits for it.
    private var claims: [Claim: [CheckedContinuation<Void, Never>]] = [:]
    /// Blobs at once.
    nonisolated let slots: Int
    private var freeSlots: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    package init(slots: Int) {
        self.slots = slots
        freeSlots = slots
    }

    // MARK: Who brings what

    /// Of some blobs, those that nobody has brought and nobody brings: they are the caller's to bring now.
    package func claim(_ jobs: [BlobJob]) -> [BlobJob] {
        jobs.filter { job in
            guard arrivals[job.key] == nil, claims[.bringing(job.key)] == nil else { return false }
            claims[.bringing(job.key)] = []
            return true
        }
    }

    /// - Returns: nil if nobody has brought the blob after all: then it is the caller's to bring.
    package func arrival(of job: BlobJob) async -> Descriptor? {
        let claim = Claim.bringing(job.key)
        while arrivals[job.key] == nil, claims[claim] != nil { await wait(for: claim) }
        if let arrival = arrivals[job.key] { return arrival.descriptor }
        claims[claim] = []
        return nil
    }

    private func isUsable(_ job: BlobJob, in repository: String) -> Bool {
        arrivals[job.key]?.repositories.contains(repository) == true
    }

    /// Whether what somebody has brought can be used in another repository: one image after the other takes it over,
    /// and all but the first find it there. docker-registry empties its link to a blob that is mounted once more for a
    /// moment, in which a manifest with the blob is refused.
    ///
    /// - Parameter mount: mounts it; false if that cannot be done.
    package func isUsable(
        _ job: BlobJob, in repository: String, orAfter mount: @Sendable () async throws -> Bool
    ) async throws -> Bool {
        let claim = Claim.mounting(job.key, into: repository)
        while claims[claim] != nil { await wait(for: claim) }
        if isUsable(job, in: repository) { return true }
        claims[claim] = []
        defer { release(claim) }
        try Task.checkCancellation()
        guard try await mount() else { return false }
        arrivals[job.key]?.repositories.insert(repository)
        return true
    }

    package func note(_ job: BlobJob, as descriptor: Descriptor, in repository: String) {
        arrivals[job.key, default: Arrival(descriptor: descriptor, repositories: [])].repositories.insert(repository)
        giveUp([job])
    }

    /// Somebody else may bring them.
    package func giveUp(_ jobs: [BlobJob]) {
        for job in jobs { release(.bringing(job.key)) }
    }

    private func wait(for claim: Claim) async { await withCheckedContinuation { claims[claim]?.append($0) } }

    private func release(_ claim: Claim) {
        for waiter in claims.removeValue(forKey: claim) ?? [] { waiter.resume() }
    }

    // MARK: How many at once

    package func withSlot<T: Sendable>(_ body: @Sendable () async throws -> T) async throws -> T {
        if freeSlots > 0 { freeSlots -= 1 } else { await withCheckedContinuation { waiting.append($0) } }
        defer { if waiting.isEmpty { freeSlots += 1 } else { waiting.removeFirst().resume() } }
        try Task.checkCancellation()
        return try await body()
    }
}

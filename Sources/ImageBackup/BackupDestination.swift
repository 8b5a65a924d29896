import ByteStreams
package import FileTrees
import Glibc
package import ImageLayouts
package import ImageModel
package import ImageTransfer
import Synchronization

/// A snapshot that is being made: blobs are there as soon as they are verified, names when all has arrived.
package final class BackupDestination: FillsLayout, ReusesLayers, OccupiesDisk, HoldsWholeImages, ListsAllImages {
    private let backup: Backup
    private let sources: [String]
    /// nil for the first snapshot.
    private let earlier: EarlierImages?
    package let blobs: LayoutBlobs
    private let locks: Mutex<[DirectoryLock]>
    private let staging: LazyStagingArea
    /// Of each repository's `index.json`.
    private let entries = Mutex<[String: [NamedDescriptor]]>([:])
    private let failures = Mutex<[CopyReport.Failure]>([])
    private let made = Mutex<Snapshot?>(nil)
    package let layerMemory: LayerMemory?

    init(_ backup: Backup, sources: [String], earlier: EarlierImages?, locks: [DirectoryLock]) {
        self.backup = backup
        staging = LazyStagingArea(LazyDirectory(backup.path, shared: OCIPaths.blobs))
        self.sources = sources
        self.earlier = earlier
        self.locks = Mutex(locks)
        blobs = LayoutBlobs(root: backup.path)
        layerMemory = LayerMemory(place: backup.path)
    }

    /// What came out; nil before the end.
    package var snapshot: Snapshot? { made.withLock { $0 } }

    package var title: String { backup.path }
    package var requestedName: String? { nil }
    package var traits: DestinationTraits {
        var traits = DestinationTraits()
        traits.bareNameIsTag = false
        traits.holdsSchema1 = true
        traits.isOneRepository = true
        traits.commitsBlobsAtOnce = true
        return traits
    }

    package func area() throws -> StagingArea { try staging.area() }

    package func begin(_ images: AnnouncedImages, areCertain: Bool) async throws {
        try await Workers.blobs.run { [self] in
            var forecasts: [String: LayoutForecast] = [:]
            try images.forEach { forecasts[$0.name.repository, default: LayoutForecast()].add($0) }
            for (repository, forecast) in forecasts { try forecast.check("\(title): \(repository)") }
        }
    }

    package func digest(of name: ImageName) async throws -> Digest? { await earlier?.digest(of: name) }

    package func known(_ digest: Digest, in repository: String) async throws -> KnownImage {
        await earlier?.known(digest, in: repository) ?? KnownImage()
    }

    package func referrers(of digest: Digest, in repository: String) async throws -> [Descriptor] {
        await earlier?.referrers(of: digest, in: repository) ?? []
    }

    package func present(in repository: String, tags: [String]) async throws -> PresentImages? { nil }

    package func freeSpace() async throws -> Int64? { try ByteStreams.freeSpace(at: backup.path) }
    package func writeObstacle() async throws -> String? { WriteObstacle.find(at: [backup.path]) }

    package func tag(_ descriptor: Descriptor, as name: ImageName) async throws {
        entries.withLock { $0[name.repository, default: []].append(NamedDescriptor(descriptor, name)) }
    }

    package func keep(_ descriptor: Descriptor, as name: ImageName, referrers: [Descriptor]) async throws {
        // What a registry tells of sizes and types is not taken where the bytes are at hand.
        let known = try await known(descriptor.digest, in: name.repository).manifests
        for kept in [descriptor] + referrers {
            guard let own = known.first(where: { $0.digest == kept.digest }) else {
                throw ImageError.damaged("\(title) has lost \(kept.digest) of \(name) in the meantime: run it again")
            }
            let isRoot = kept.digest == descriptor.digest
            try await tag(own, as: isRoot ? name : ImageName(repository: name.repository))
        }
    }

    package func leaveOut(_ failures: [CopyReport.Failure]) { self.failures.withLock { $0 += failures } }

    package func finish() async throws {
        try await Workers.blobs.run { [self] in
            defer { close() }
            let entries = entries.withLock { $0 }
            let area = try area()
            let snapshot = Snapshot(
                id: try freeID(), sources: sources, repositories: Array(entries.keys),
                failures: failures.withLock { $0 })
            try SnapshotWriter(backup: backup, area: area).write(snapshot, entries)
            made.withLock { $0 = snapshot }
        }
    }

    /// Blobs stay for the next run.
    package func abandon() async { close() }

    private func close() {
        staging.close()
        locks.withLock { $0 = [] }
    }

    private func freeID() throws -> SnapshotID {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var time = now.tv_sec * 1000 + now.tv_nsec / 1_000_000
        while try fileKind("\(backup.path)/\(BackupPaths.snapshot(SnapshotID(milliseconds: time)))") != nil {
            time += 1
        }
        return SnapshotID(milliseconds: time)
    }
}

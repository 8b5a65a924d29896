package import ByteStreams
import FileTrees
import Glibc
import ImageModel
import ImageTransfer

/// Reclaims what nothing refers to in a registry's storage directory.
///
/// ```swift
/// var options = CollectionOptions()
/// options.dryRun = true
/// let report = try await StoreCollector(root: "/var/lib/registry", options).run()
/// print(report.bytes, report.blobs.map(\.digest))
/// ```
/// Marks go per repository: through indexes, to configs, layers and `fsLayers`, and back to what has a kept
/// manifest as its subject. Nothing is deleted unless everything that may refer to blobs can be read. A serving
/// dray and copies into the store may go on beside it (`StoreLock`); a Go registry should be stopped or
/// read-only, and started again afterwards, because it remembers what is gone.
package struct StoreCollector: Sendable {
    private let root: String
    private let options: CollectionOptions
    /// When a run begins: nanoseconds since 1970.
    private let clock: @Sendable (_ root: DirectoryHandle) throws -> Int64

    /// - Parameter root: what holds `docker/registry/v2`.
    package init(root: String, _ options: CollectionOptions = CollectionOptions()) {
        self.init(root: root, options) { try StoreLock.now($0) }
    }

    package init(
        root: String, _ options: CollectionOptions, clock: @escaping @Sendable (_ root: DirectoryHandle) throws -> Int64
    ) {
        self.root = root
        self.options = options
        self.clock = clock
    }

    static func noStore(_ root: String) -> ImageError {
        let file = (try? fileKind(root)) == .file ? ", but a file" : ""
        return .notFound("\(root) is no registry's storage\(file): there is no \(root)/\(StorePaths.standard.root)")
    }

    static func busy(_ root: String) -> ImageError {
        .refused("another garbage collection is at work on \(root): wait until it is done")
    }

    /// - Throws: `ImageError`, with a `CollectionRefused` as its cause, if something cannot be read, before anything is deleted;
    ///   `ImageError.notFound` where there is no store.
    package func run() async throws -> CollectionReport {
        let opened = try await Workers.blobs.run { [root] in try DirectoryHandle.open(root) }
        guard let root = opened else { throw Self.noStore(root) }
        let list = ReleaseList(root: root)
        guard !options.dryRun else {
            let releases = try await Workers.blobs.run { try list.releases() }
            return try await collect(root, from: fileTime(), releases, sweeping: false)
        }
        let (collector, start, releases) = try await Workers.blobs.run { [clock] in
            do {
                guard let lock = try StoreLock.forCollecting(root) else { throw Self.busy(root.path) }
                // Whoever relied on something before the run began has written what refers to it by now, and
                // whoever does so from here on finds a later time on the clock.
                let everything = try StoreLock.forSweeping(root)
                defer { withExtendedLifetime(everything) {} }
                return (lock, try clock(root), try list.releases())
            } catch let error as ImageError where [EROFS, EACCES, EPERM].contains(error.errno) {
                throw ImageError.refused(
                    "\(root.path) cannot be written (\(error)), so nothing can be deleted there: "
                        + "a dry run only reads")
            }
        }
        defer { withExtendedLifetime(collector) {} }
        return try await collect(root, from: start, releases, sweeping: true)
    }

    /// - Parameter start: nanoseconds since 1970.
    private func collect(
        _ root: DirectoryHandle, from start: Int64, _ releases: [ReleaseList.Release], sweeping: Bool
    ) async throws -> CollectionReport {
        let survey = try await StoreSurvey(
            root: root, deletesUntagged: options.deletesUntagged, releases: releases,
            ages: CollectionAges(start: start, grace: options.graceTime))
        var marks = try await survey.repositories()
        let problems = marks.flatMap(\.problems)
        guard problems.isEmpty else { throw CollectionRefused(problems: problems).error }
        var report = CollectionReport(isDryRun: options.dryRun)
        report.notes = survey.remarks(marks)
        if sweeping {
            try await updateReleases(root, survey.ages)
            try await sweep(survey, &marks, &report)
        } else {
            let found = try await survey.unreferenced(marks)
            for repository in marks { report.add(repository, StoreSweep.Outcome(planned: repository)) }
            report.add(found, gone: found.blobs, marks)
        }
        report.untagged = try await survey.untagged(marks)
        return report
    }

    /// Drops the releases that no longer shorten a wait, and adds those of manifests that released indexes list: the
    /// index itself may be gone when they are collected.
    private func updateReleases(_ root: DirectoryHandle, _ ages: CollectionAges) async throws {
        try await Workers.blobs.run {
            let lock = try StoreLock.forSweeping(root)
            defer { withExtendedLifetime(lock) {} }
            try ReleaseList(root: root).rewrite { current in
                Set(current).union(ages.manifests).filter { $0.time > ages.cutoff }
                    .sorted { ($0.time, $0.repository, $0.digest) < ($1.time, $1.repository, $1.digest) }
            }
        }
    }

    private func sweep(_ survey: StoreSurvey, _ marks: inout [RepositoryMarks], _ report: inout CollectionReport)
        async throws
    {
        let quarantine = try await Workers.blobs.run { options.quarantines ? try Quarantine(survey.root) : nil }
        do {
            try await sweep(survey, &marks, &report, quarantine)
        } catch {
            // What is gone by then can be put back all the same, and without the list.
            _ = try? await Workers.blobs.run { try quarantine?.settle() }
            throw error
        }
        report.quarantine = try await Workers.blobs.run { try quarantine?.settle() }
    }

    private func sweep(
        _ survey: StoreSurvey, _ marks: inout [RepositoryMarks], _ report: inout CollectionReport,
        _ quarantine: Quarantine?
    ) async throws {
        let sweep = StoreSweep(root: survey.root, tree: survey.tree, ages: survey.ages, quarantine: quarantine)
        for position in marks.indices {
            try Task.checkCancellation()
            let known = marks[position]
            let (now, outcome) = try await Workers.blobs.run { try survey.sweep(known, sweep) }
            marks[position] = now
            report.add(now, outcome)
        }
        let found = try await survey.unreferenced(marks)
        var gone: [DeletableBlobs.Blob] = []
        // Released manifests go last: as long as they are there, the next run finds what else was released with them.
        var rest =
            (found.blobs.filter { !survey.ages.isReleasedManifest($0.digest) }
            + found.blobs.filter { survey.ages.isReleasedManifest($0.digest) })[...]
        while !rest.isEmpty {
            try Task.checkCancellation()
            let batch = rest
            let done = try await Workers.blobs.run { try sweep.sweep(batch) }
            gone += done.gone
            rest = rest.dropFirst(done.count)
        }
        report.emptyDirectories += try await Workers.blobs.run {
            try sweep.pruneBlobDirectories(found.emptyDirectories)
        }
        gone.sort { $0.digest < $1.digest }
        report.add(found, gone: gone, marks)
    }
}

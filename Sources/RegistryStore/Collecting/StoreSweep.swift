import ByteStreams
import FileTrees
import Glibc
import ImageModel
import ImageTransfer

/// Deletes, or moves into a quarantine, what a survey found. Each call is one short hold of the store.
///
/// Before a file goes its times are looked at once more: see `StoreLock`. Links go before blobs, so an end in
/// the middle leaves no link to what is gone.
struct StoreSweep: Sendable {
    let root: DirectoryHandle
    /// `docker/registry/v2`.
    let tree: DirectoryHandle
    let ages: CollectionAges
    let quarantine: Quarantine?

    /// What went, of a repository.
    struct Outcome: Sendable {
        var manifests: [Digest] = []
        var layerLinks: [Digest] = []
        var history: [CollectionReport.TagHistory] = []
        var emptyDirectories = 0
        /// Where a link went: to be brought to the disk before any blob goes, or a power cut could bring back a
        /// link to nothing.
        var changed: Set<String> = []
    }

    /// How long the store is held before others have their turn.
    static let turn = Duration.milliseconds(50)

    /// - Parameter cutoff: nanoseconds since 1970; nil for the grace time.
    private func isOld(_ path: String, cutoff: Int64? = nil) throws -> Bool {
        // A link to elsewhere is as old as itself.
        try tree.status(path, followsLinks: false).map { $0.changed < cutoff ?? ages.cutoff } ?? false
    }

    private func remove(_ path: String, size: Int64 = 0) throws {
        if let quarantine {
            try quarantine.take("\(StorePaths.standard.root)/\(path)", size: size)
        } else {
            try tree.removeFile(path)
        }
    }

    /// Takes away empty directories, from the innermost up to a directory that stays.
    private func prune(_ path: String, upTo limit: String) throws {
        var path = path
        while path.utf8.count > limit.utf8.count, try tree.removeEmptyDirectory(path) { path = parent(of: path) }
    }

    /// Takes away the directory of a link that is gone, if that was all there was in it.
    ///
    /// - Returns: the directory that has changed.
    private func leave(_ path: String) throws -> String {
        try tree.removeEmptyDirectory(path) ? parent(of: path) : path
    }

    // MARK: Repositories

    /// - Parameter survey: looks at the repository again, once nobody else can change it. What went on in between
    ///   may have given a manifest a name.
    /// - Throws: `ImageError`, with a `CollectionRefused` as its cause, if it cannot be read any more.
    func sweep(_ marks: RepositoryMarks, surveyAgain survey: () -> RepositoryMarks) throws -> (RepositoryMarks, Outcome)
    {
        let lock = try StoreLock.forSweeping(root)
        defer { withExtendedLifetime(lock) {} }
        var marks = marks
        if !marks.revisions.isEmpty {
            marks = survey()
            guard marks.problems.isEmpty else { throw CollectionRefused(problems: marks.problems).error }
        }
        let base = "repositories/\(marks.name)"
        var outcome = Outcome()
        for revision in marks.revisions {
            guard let digest = revision.digest, let status = try tree.status("\(base)/\(revision.path)/link") else {
                continue
            }
            guard status.changed < ages.cutoff(link: revision.target, in: marks.name) else {
                // Only somebody who knows of no lock could do that between the second look and this one.
                throw ImageError.refused(
                    "\(marks.name) is being written to, and not by dray: stop the registry, and run it again")
            }
            try remove("\(base)/\(revision.path)/link")
            try removeSignatures("\(base)/\(revision.path)")
            outcome.changed.insert(try leave("\(base)/\(revision.path)"))
            outcome.manifests.append(digest)
        }
        for entry in marks.history where try isOld("\(base)/\(entry.path)/link") {
            try remove("\(base)/\(entry.path)/link")
            try prune("\(base)/\(entry.path)", upTo: "\(base)/_manifests/tags")
            outcome.history.append(CollectionReport.TagHistory(tag: entry.tag, digest: entry.digest))
        }
        for link in marks.layerLinks {
            let cutoff = link.target.map { ages.cutoff(link: $0, in: marks.name) }
            guard try isOld("\(base)/\(link.path)/link", cutoff: cutoff) else { continue }
            try remove("\(base)/\(link.path)/link")
            outcome.changed.insert(try leave("\(base)/\(link.path)"))
            outcome.layerLinks.append(link.digest)
        }
        for path in marks.emptyDirectories where try isOld("\(base)/\(path)") {
            guard try tree.removeEmptyDirectory("\(base)/\(path)") else { continue }
            outcome.emptyDirectories += 1
            // A tag that is gone altogether leaves nothing; elsewhere the algorithm's directory stays.
            if path.hasPrefix("_manifests/tags/") {
                try prune(parent(of: "\(base)/\(path)"), upTo: "\(base)/_manifests/tags")
            }
        }
        return (marks, outcome)
    }

    /// Of schema1, by registries before 2.5.
    private func removeSignatures(_ revision: String) throws {
        guard let signatures = try tree.open("\(revision)/signatures") else { return }
        for algorithm in try signatures.entries() where algorithm.kind == .directory {
            let folder = "\(revision)/signatures/\(algorithm.name)"
            for entry in try tree.open(folder)?.entries() ?? [] where entry.kind == .directory {
                try remove("\(folder)/\(entry.name)/link")
                _ = try tree.removeEmptyDirectory("\(folder)/\(entry.name)")
            }
            _ = try tree.removeEmptyDirectory(folder)
        }
        _ = try tree.removeEmptyDirectory("\(revision)/signatures")
    }

    // MARK: Blobs

    /// Deletes as many as its turn allows, from the front.
    ///
    /// - Returns: how many were dealt with, and which of them went.
    func sweep(
        _ blobs: ArraySlice<DeletableBlobs.Blob>
    ) throws -> (count: Int, gone: [DeletableBlobs.Blob]) {
        let lock = try StoreLock.forSweeping(root)
        defer { withExtendedLifetime(lock) {} }
        let start = ContinuousClock.now
        var gone: [DeletableBlobs.Blob] = []
        var count = 0
        for blob in blobs {
            if count > 0, ContinuousClock.now - start > Self.turn { break }
            count += 1
            let hex = blob.digest.hex
            let folder = "blobs/sha256/\(hex.prefix(2))/\(hex)"
            guard try isOld("\(folder)/data", cutoff: ages.cutoff(blob: blob.digest)) else { continue }
            try remove("\(folder)/data", size: blob.size)
            try prune(folder, upTo: "blobs/sha256")
            gone.append(blob)
        }
        return (count, gone)
    }

    /// - Parameter paths: below `blobs/sha256`.
    /// - Returns: how many went.
    func pruneBlobDirectories(_ paths: [String]) throws -> Int {
        guard !paths.isEmpty else { return 0 }
        let lock = try StoreLock.forSweeping(root)
        defer { withExtendedLifetime(lock) {} }
        var count = 0
        for path in paths where try isOld("blobs/sha256/\(path)") {
            guard try tree.removeEmptyDirectory("blobs/sha256/\(path)") else { continue }
            count += 1
            try prune(parent(of: "blobs/sha256/\(path)"), upTo: "blobs/sha256")
        }
        return count
    }
}

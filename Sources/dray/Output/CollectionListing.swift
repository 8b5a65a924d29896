import ImageModel
import RegistryStore

/// The printed form of a garbage collection: the original's own lines where it has them, and sizes.
///
/// A dry run prints the same as the run itself, apart from the verb of the line that gives the size.
struct CollectionListing {
    struct Document: Encodable, Sendable {
        struct Blob: Encodable, Sendable {
            var digest: Digest
            var size: Int64
        }
        struct History: Encodable, Sendable {
            var tag: String
            var digest: Digest
        }
        /// Content without a reference that the grace time protects; times are RFC 3339.
        struct Waiting: Encodable, Sendable {
            var blobs: Int
            var manifests: Int
            var bytes: Int64
            var first: String?
            var last: String?
        }
        /// Manifests that `--delete-untagged` would delete.
        struct Untagged: Encodable, Sendable {
            var manifests: Int
            var bytes: Int64
        }
        struct Repository: Encodable, Sendable {
            var repository: String
            var manifestsKept: Int
            var manifestsDeleted: [Digest]
            var layerLinksRemoved: [Digest]
            var tagHistoryRemoved: [History]
            var blobs: [Blob]
            var bytes: Int64
        }

        var root: String
        var dryRun: Bool
        var marked: Int
        var repositories: [Repository]
        var blobs: [Blob]
        var bytes: Int64
        var waiting: Waiting
        var untagged: Untagged
        var emptyDirectories: Int
        var notes: [String]
        var quarantine: String?
    }

    let document: Document
    let lines: [String]

    /// - Parameter isBrief: only the counts.
    init(_ report: CollectionReport, root: String, isBrief: Bool) {
        document = Document(report, root: root)
        var lines: [String] = []
        for repository in report.repositories where !isBrief {
            let name = Printable.line(repository.name)
            lines.append(name)
            lines += repository.manifestsDeleted.map { "manifest eligible for deletion: \($0)" }
            lines += repository.tagHistoryRemoved.map {
                "\(name): tag history eligible for deletion: \(Printable.line($0.tag)) \($0.digest)"
            }
            lines += repository.layerLinksRemoved.map { "\(name): layer link eligible for deletion: \($0)" }
            if !repository.isUntouched {
                lines.append(
                    "\(name): \(repository.blobs.count) blobs eligible for deletion, \(repository.bytes) bytes")
            }
        }
        if !isBrief { lines.append("") }
        lines.append(
            "\(report.marked) blobs marked, \(report.blobs.count) blobs and \(report.manifests) manifests "
                + "eligible for deletion")
        if !isBrief { lines += report.blobs.map { "blob eligible for deletion: \($0.digest)" } }
        if !isBrief, let line = Self.line(report.untagged) { lines.append(line) }
        if !isBrief, report.keepsNothingInVain {
            lines.append("nothing to free: the images that are there need every blob")
        }
        let verb = report.isDryRun ? "to free" : report.quarantine.map { "moved to quarantine \($0)" } ?? "freed"
        lines.append("\(report.bytes) bytes (\(ByteCount(report.bytes))) \(verb)")
        if let line = Self.line(report.waiting, hasLeastGrace: report.hasLeastGrace) { lines.append(line) }
        self.lines = lines
    }

    /// - Returns: nil if nothing waits.
    private static func line(_ waiting: CollectionReport.Waiting, hasLeastGrace: Bool) -> String? {
        guard let first = waiting.first, let last = waiting.last else { return nil }
        let manifests =
            waiting.manifests == 0
            ? "" : " and \(waiting.manifests) untagged manifest\(waiting.manifests == 1 ? "" : "s")"
        let time =
            text(first) == text(last) ? "until \(text(last))" : "until \(text(first)), the last until \(text(last))"
        let blobs = "\(waiting.blobs) blob\(waiting.blobs == 1 ? "" : "s") (\(ByteCount(waiting.bytes)))"
        let advice = hasLeastGrace ? "" : "; pass --grace 0 if no push is in progress"
        return "\(blobs)\(manifests) kept by the grace time \(time)\(advice)"
    }

    /// - Returns: nil if there is none.
    private static func line(_ untagged: CollectionReport.Untagged) -> String? {
        guard untagged.manifests > 0 else { return nil }
        let isOne = untagged.manifests == 1
        return "\(untagged.manifests) untagged manifest\(isOne ? " keeps" : "s keep") \(ByteCount(untagged.bytes)); "
            + "pass --delete-untagged to delete \(isOne ? "it" : "them")"
    }

    /// - Parameter time: nanoseconds since 1970; the end of a second, so that nothing waits at that time any more.
    fileprivate static func text(_ time: Int64) -> String { Timestamp.rfc3339(Int(time / 1_000_000_000) + 1) }
}

extension CollectionReport {
    /// Whether nothing was deleted, and nothing could be with other options.
    fileprivate var keepsNothingInVain: Bool {
        bytes == 0 && manifests == 0 && untagged.manifests == 0 && waiting.blobs == 0 && waiting.manifests == 0
    }
}

extension CollectionListing.Document {
    fileprivate init(_ report: CollectionReport, root: String) {
        func blobs(_ all: [CollectionReport.Blob]) -> [Blob] { all.map { Blob(digest: $0.digest, size: $0.size) } }
        self.root = root
        dryRun = report.isDryRun
        marked = report.marked
        repositories = report.repositories.map { repository in
            Repository(
                repository: repository.name, manifestsKept: repository.manifestsKept,
                manifestsDeleted: repository.manifestsDeleted, layerLinksRemoved: repository.layerLinksRemoved,
                tagHistoryRemoved: repository.tagHistoryRemoved.map { History(tag: $0.tag, digest: $0.digest) },
                blobs: blobs(repository.blobs), bytes: repository.bytes)
        }
        self.blobs = blobs(report.blobs)
        bytes = report.bytes
        let waiting = report.waiting
        self.waiting = Waiting(
            blobs: waiting.blobs, manifests: waiting.manifests, bytes: waiting.bytes,
            first: waiting.first.map(CollectionListing.text), last: waiting.last.map(CollectionListing.text))
        untagged = Untagged(manifests: report.untagged.manifests, bytes: report.untagged.bytes)
        emptyDirectories = report.emptyDirectories
        notes = report.notes
        quarantine = report.quarantine
    }
}

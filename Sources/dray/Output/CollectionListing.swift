import ImageLayouts
import ImageModel

/// A garbage collection, as it is printed: in the original's own lines where it has them, and sizes.
///
/// A dry run prints the same as the run itself, the last line's verb aside.
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
        var youngBlobs: Int
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
        let verb = report.isDryRun ? "to free" : report.quarantine.map { "moved to quarantine \($0)" } ?? "freed"
        lines.append("\(report.bytes) bytes (\(ByteCount(report.bytes))) \(verb)")
        self.lines = lines
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
        youngBlobs = report.youngBlobs
        emptyDirectories = report.emptyDirectories
        notes = report.notes
        quarantine = report.quarantine
    }
}

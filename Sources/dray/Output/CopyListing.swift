import ImageModel
import ImageTransfer

/// What a copy did, as it is printed.
struct CopyListing {
    /// One image, in JSON.
    struct Row: Encodable, Sendable {
        var source: String
        var repository: String
        var tag: String?
        var digest: Digest
        var mediaType: MediaType
        var size: Int64
        var previousDigest: Digest
        var kept: Bool
        var bytesMoved: Int64
        var bytesSkipped: Int64
        var skipped: Bool?
        var dryRun: Bool?
        var error: String?
    }

    let rows: [Row]
    let lines: [String]
    let failures: [String]
    /// Bytes in all.
    let summary: String

    init(_ report: CopyReport) {
        var rows: [Row] = []
        var table = TextTable()
        var failures: [String] = []
        for image in report.images {
            var row = Row(
                source: image.source, repository: image.name.repository(withHost: true), tag: image.name.tag,
                digest: image.descriptor.digest, mediaType: image.descriptor.mediaType, size: image.descriptor.size,
                previousDigest: image.previousDigest, kept: image.kept, bytesMoved: image.bytesMoved,
                bytesSkipped: image.bytesSkipped, dryRun: report.isDryRun ? true : nil)
            var result = image.kept ? "kept" : "changed (was \(image.previousDigest))"
            switch image.outcome {
            case .copied:
                if report.isDryRun {
                    result += ", \(image.bytesMoved) bytes to move, \(image.bytesSkipped) bytes there"
                }
            case .skipped:
                row.skipped = true
                result = "skipped (the name is taken)"
            case .failed(let error):
                row.error = "\(error)"
                failures.append("\(image.name): \(error)")
                result = "failed"
            }
            rows.append(row)
            table.add(image.name.description, image.descriptor.digest.description, result)
        }
        self.rows = rows
        self.failures = failures
        lines = table.lines()
        let count = report.images.count == 1 ? "1 image" : "\(report.images.count) images"
        summary =
            report.isDryRun
            ? "\(count): \(report.bytesMoved) bytes to move, \(report.bytesSkipped) bytes there already"
            : "\(count): \(report.bytesMoved) bytes moved, \(report.bytesSkipped) bytes were there already"
    }
}

extension ImageName {
    /// The repository, and the registry's host where the name has one.
    func repository(withHost: Bool) -> String { (withHost ? host.map { "\($0)/" } ?? "" : "") + repository }
}

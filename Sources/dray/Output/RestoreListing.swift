import ImageLayouts
import ImageModel
import ImageTransfer

/// A restore, as it is printed: each image, what its name meant before if that was asked, and what goes.
struct RestoreListing {
    struct Document: Encodable, Sendable {
        struct Image: Encodable, Sendable {
            var repository: String?
            var tag: String?
            var digest: Digest
            /// In a dry run: what the name means at the target.
            var before: Digest?
            var bytesMoved: Int64
            var bytesSkipped: Int64
        }

        var dryRun: Bool?
        var images: [Image]
        /// What `--mirror` takes away.
        var removed: [ImageRow]
        var bytesMoved: Int64
        var bytesSkipped: Int64
        /// At the target, where that can be told.
        var bytesFree: Int64?
    }

    let document: Document
    let lines: [String]
    let failures: [String]

    /// - Parameter before: what names mean at the target; nil if they were not looked up.
    init(
        _ report: CopyReport, removed: [SnapshotMirror.Extra], before: [ImageName: Digest]?, freeBytes: Int64?
    ) {
        document = Document(
            dryRun: report.isDryRun ? true : nil,
            images: report.images.map { image in
                Document.Image(
                    repository: image.name.repository(withHost: true), tag: image.name.tag,
                    digest: image.descriptor.digest, before: before?[image.name], bytesMoved: image.bytesMoved,
                    bytesSkipped: image.bytesSkipped)
            },
            removed: removed.map { ImageRow($0.image) }, bytesMoved: report.bytesMoved,
            bytesSkipped: report.bytesSkipped, bytesFree: freeBytes)
        var table = TextTable()
        for image in report.images {
            let digest = image.descriptor.digest
            var change = image.bytesMoved > 0 ? "restored" : "there already"
            if let before {
                change =
                    switch before[image.name] {
                    case nil: image.bytesMoved > 0 || image.name.tag != nil ? "new" : "there already"
                    case digest: image.bytesMoved > 0 ? "lacks a part" : "unchanged"
                    case let other?: "means \(other) now"
                    }
            }
            table.add(image.name.description, digest.description, change)
        }
        for extra in removed {
            let change = extra.isWhole ? "the manifest" : "the tag"
            table.add(
                Printable.line(extra.image.shortTitle), extra.image.descriptor.digest.description,
                report.isDryRun ? "\(change) would go" : "\(change) goes")
        }
        var last =
            "\(report.images.count == 1 ? "1 image" : "\(report.images.count) images"): \(report.bytesMoved) bytes "
        last += report.isDryRun ? "to move, " : "moved, "
        last += "\(report.bytesSkipped) bytes \(report.isDryRun ? "" : "were ")there already"
        if report.isDryRun, let freeBytes { last += "; \(freeBytes) bytes free" }
        lines = table.lines() + [last]
        failures = report.failures.map { "\($0.name ?? $0.source): \($0.error)" }
    }
}

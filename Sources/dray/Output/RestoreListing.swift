import DrayKit

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
        var removed: [ListedImage]
        var bytesMoved: Int64
        var bytesSkipped: Int64
        /// At the target, where that can be told.
        var bytesFree: Int64?
    }

    let report: CopyReport
    let removed: [SnapshotMirror.Extra]
    /// Meanings of the names at the target; nil if they were not looked up.
    let before: [ImageName: Digest]?
    let freeBytes: Int64?

    var failures: [String] { report.failures.map { "\($0.name ?? $0.source): \($0.error)" } }

    var document: Document {
        Document(
            dryRun: report.isDryRun ? true : nil,
            images: report.images.map { image in
                Document.Image(
                    repository: image.name.repository(withHost: true), tag: image.name.tag,
                    digest: image.descriptor.digest, before: before?[image.name], bytesMoved: image.bytesMoved,
                    bytesSkipped: image.bytesSkipped)
            },
            removed: removed.map { ListedImage($0.image) }, bytesMoved: report.bytesMoved,
            bytesSkipped: report.bytesSkipped, bytesFree: freeBytes)
    }

    /// - Parameter withImages: whether those that were restored have lines.
    func lines(withImages: Bool) -> [String] {
        var table = TextTable()
        for image in report.images where withImages {
            table.add(
                image.name.description, image.descriptor.digest.description, Self.change(of: image, from: before))
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
        if report.isDryRun, let freeBytes {
            last += "; \(freeBytes) bytes free" + (report.disks.first?.problem.map { ": \($0)" } ?? "")
        }
        return table.lines() + [last]
    }

    /// One image, as it is printed when it is restored.
    static func line(_ image: CopyReport.Image) -> String {
        "\(image.name)  \(image.descriptor.digest)  \(change(of: image, from: nil))"
    }

    private static func change(of image: CopyReport.Image, from before: [ImageName: Digest]?) -> String {
        guard let before else {
            if image.outcome == .skipped { return CopyListing.skipped(image) }
            let change = image.isPresent ? "present" : "restored"
            return change + (image.replacedDigest.map { ", tag moved from \($0)" } ?? "")
        }
        switch before[image.name] {
        case nil: return image.bytesMoved > 0 || image.name.tag != nil ? "new" : "there already"
        case image.descriptor.digest: return image.bytesMoved > 0 ? "lacks a part" : "unchanged"
        case let other?: return "means \(other) now"
        }
    }
}

import ImageModel
import ImageTransfer

/// What a copy did, as it is printed.
struct CopyListing {
    /// One image, in JSON; of one that failed, as much as is known.
    struct Row: Encodable, Sendable {
        var source: String
        var repository: String?
        var tag: String?
        var digest: Digest?
        var mediaType: MediaType?
        var size: Int64?
        var previousDigest: Digest?
        var kept: Bool?
        /// What the tag named before, if that was something else.
        var replacedDigest: Digest?
        /// `copied`, `present` or `skipped`; of a dry run, what would become of it.
        var outcome: String?
        var bytesMoved: Int64?
        var bytesSkipped: Int64?
        /// `atMost` or `about`, where a dry run cannot tell `bytesMoved`, nor the digest.
        var estimate: String?
        var skipped: Bool?
        var dryRun: Bool?
        var name: String?
        var rule: String?
        var error: String?
    }

    private let report: CopyReport

    init(_ report: CopyReport) { self.report = report }

    var failures: [String] {
        report.failures.map { failure in
            (failure.rule.map { "\($0): " } ?? "") + "\(failure.name ?? failure.source): \(failure.error)"
        }
    }

    var rows: [Row] {
        let failures = report.failures.map { failure in
            Row(
                source: failure.source, digest: failure.digest, name: failure.name, rule: failure.rule,
                error: PrintableURL.hidingSecrets(in: "\(failure.error)"))
        }
        return failures + report.images.map { Row($0, isDryRun: report.isDryRun) }
    }

    var lines: [String] {
        var table = TextTable()
        for image in report.images {
            table.add(
                image.name.description, image.descriptor.digest.description,
                Self.result(of: image, isDryRun: report.isDryRun))
        }
        return table.lines()
    }

    /// One image, as it is printed when it is done.
    static func line(_ image: CopyReport.Image) -> String {
        "\(image.name)  \(image.descriptor.digest)  \(result(of: image, isDryRun: false))"
    }

    private static func result(of image: CopyReport.Image, isDryRun: Bool) -> String {
        guard image.outcome == .copied else { return Self.skipped(image) }
        var result = image.isPresent ? "present" : isDryRun ? "to be copied" : "copied"
        if image.estimate != nil {
            result += ", digest will change"
        } else if !image.kept, !image.isPresent {
            result += ", digest changed (was \(image.previousDigest))"
        }
        if let replaced = image.replacedDigest { result += ", tag \(isDryRun ? "moves" : "moved") from \(replaced)" }
        if isDryRun {
            result +=
                ", \(Self.prefix(image.estimate))\(image.bytesMoved) bytes to move, \(image.bytesSkipped) bytes there"
        }
        return result
    }

    static func skipped(_ image: CopyReport.Image) -> String {
        image.replacedDigest.map { "skipped, the tag is \($0)" } ?? "skipped, another image has the name"
    }

    /// Bytes in all.
    var summary: String {
        let count = report.images.count == 1 ? "1 image" : "\(report.images.count) images"
        let estimates = Set(report.images.compactMap(\.estimate))
        let prefix = Self.prefix(estimates.contains(.about) ? .about : estimates.first)
        let disks = report.disks.map { disk in
            "; \(disk.destination) needs \(prefix)\(ByteCount(disk.needed)), and has \(ByteCount(disk.free)) free"
                + (disk.problem.map { ": \($0)" } ?? (disk.needed > disk.free ? ": this may not be enough" : ""))
        }
        return report.isDryRun
            ? "\(count): \(prefix)\(report.bytesMoved) bytes to move, \(report.bytesSkipped) bytes there already"
                + disks.joined()
            : "\(count): \(report.bytesMoved) bytes moved, \(report.bytesSkipped) bytes were there already"
    }

    private static func prefix(_ estimate: CopyReport.Image.Estimate?) -> String {
        switch estimate {
        case nil: ""
        case .atMost: "at most "
        case .about: "about "
        }
    }
}

extension CopyListing.Row {
    init(_ image: CopyReport.Image, isDryRun: Bool) {
        self.init(
            source: image.source, repository: image.name.repository(withHost: true), tag: image.name.tag,
            digest: image.estimate == nil ? image.descriptor.digest : nil, mediaType: image.descriptor.mediaType,
            size: image.descriptor.size, previousDigest: image.previousDigest, kept: image.kept,
            replacedDigest: image.replacedDigest, outcome: image.result,
            bytesMoved: image.bytesMoved, bytesSkipped: image.bytesSkipped, estimate: image.estimate?.rawValue,
            skipped: image.outcome == .skipped ? true : nil, dryRun: isDryRun ? true : nil, rule: image.rule)
    }
}

import ImageModel
import ImageVerification

/// A verification, as it is printed: what is damaged, what is only remarkable, and what was looked at.
struct VerifyListing {
    struct Document: Encodable, Sendable {
        struct Affected: Encodable, Sendable {
            var image: String
            /// Left out where the whole image is hit.
            var platforms: [String]?
        }
        struct Item: Encodable, Sendable {
            var kind: String
            var subject: String
            var problem: String
            /// The first ones.
            var affected: [Affected]
            /// The number of all of them.
            var affectedCount: Int
            var advice: String
        }

        var target: String
        var sound: Bool
        var deep: Bool
        var images: Int
        var manifests: Int
        var blobs: Int
        var bytes: Int64
        var damage: [Item]
        var remarks: [Item]
        var mended: [Item]
        var failures: [String]
        var quarantine: String?
    }

    let document: Document
    let lines: [String]

    /// How many affected images, or remarks of a kind, are told one by one.
    private static let most = 5

    /// - Parameter isBrief: only what is damaged.
    init(_ report: VerifyReport, isBrief: Bool) {
        document = Document(report)
        var lines: [String] = []
        for finding in report.mended where !isBrief { lines.append("mended: \(finding.subject) \(finding.problem)") }
        for finding in report.damage {
            let word = finding.kind == .volumeMissing ? "missing" : "damage"
            lines.append("\(word): \(finding.subject) \(finding.problem)")
            if !finding.affected.isEmpty { lines.append("  cannot be pulled: \(Self.list(finding))") }
            lines.append("  to do: \(finding.advice)")
        }
        if !isBrief { lines += Self.remarks(report.remarks) }
        if let quarantine = report.quarantine { lines.append("what was replaced is in quarantine \(quarantine)") }
        if !isBrief {
            let count = report.damage.count
            let isIncomplete = report.damage.allSatisfy { $0.kind == .volumeMissing }
            let isDelta = report.remarks.contains { $0.kind == .leftOut }
            let verdict =
                count == 0
                ? isDelta ? "sound, as a delta" : "sound"
                : isIncomplete ? "incomplete" : "damaged (\(count) finding\(count == 1 ? "" : "s"))"
            lines.append(
                "\(report.place): \(verdict): \(report.images) names and entries, \(report.manifests) manifests, "
                    + "\(report.blobs) blobs, \(ByteCount(report.bytes))")
        }
        self.lines = lines.map { Printable.line($0) }
    }

    private static func list(_ finding: Finding) -> String {
        let shown = finding.affected.prefix(most).map { image in
            image.name + (image.platforms.isEmpty ? "" : " (\(image.platforms.joined(separator: ", ")))")
        }
        return shown.joined(separator: ", ")
            + (finding.affectedCount > shown.count ? " and \(finding.affectedCount - shown.count) more" : "")
    }

    private static func remarks(_ remarks: [Finding]) -> [String] {
        var lines: [String] = []
        for kind in Finding.Kind.allCases {
            let all = remarks.filter { $0.kind == kind }
            let word = kind == .leftOut ? "missing" : "remark"
            lines += all.prefix(most).map { "\(word): \($0.subject) \($0.problem) (\($0.advice))" }
            if all.count > most { lines.append("remark: \(all.count - most) more are like that (\(kind.rawValue))") }
        }
        return lines
    }
}

extension VerifyListing.Document {
    fileprivate init(_ report: VerifyReport) {
        func items(_ findings: [Finding]) -> [Item] {
            findings.map { finding in
                Item(
                    kind: finding.kind.rawValue, subject: finding.subject, problem: finding.problem,
                    affected: finding.affected.map {
                        Affected(image: $0.name, platforms: $0.platforms.isEmpty ? nil : $0.platforms)
                    }, affectedCount: finding.affectedCount, advice: finding.advice)
            }
        }
        target = report.place
        sound = report.damage.isEmpty
        deep = report.isDeep
        images = report.images
        manifests = report.manifests
        blobs = report.blobs
        bytes = report.bytes
        damage = items(report.damage)
        remarks = items(report.remarks)
        mended = items(report.mended)
        failures = report.failures
        quarantine = report.quarantine
    }
}

import ConfigurationFiles
import ImageBackup
import ImageModel
import ImageSync
import ImageTransfer
import RegistryClient

extension FuzzTarget {
    static let names = [
        text("references") { text in
            func read(_ text: String) throws -> ImageReference {
                try ImageReference(text, exists: { _ in false }, recognise: { _ in nil })
            }
            _ = try? ImageReference(text, exists: { _ in true }, recognise: { _ in .oci })
            let reference = try read(text)
            let again = try promised("a reference is read again") { try read(reference.description) }
            try promise("a reference stays what it is", again == reference)
        },
        text("image-names") { text in
            let made = ImageName.repository(fromFile: text)
            try promise("'\(made)', made from a file's name, is a repository's", ImageName.isRepository(made))
            _ = ImageName.referredDigest(byTag: text)
            if let name = ImageName(text) {
                try promise("a name stays what it is", ImageName(name.description) == name)
                try promise("a short name is one", ImageName(name.familiar.description) == name.familiar)
            }
            if let platform = Platform(text) {
                try promise("a platform stays what it is", Platform(platform.description) == platform)
            }
            if let pattern = RepositoryPattern(text) {
                let example = text.replacing("*", with: "x")
                try promise("a pattern fits what it was made for", pattern.matches(example))
                _ = pattern.matches(String(repeating: "a", count: 255))
            }
            _ = CompressionChoice.parse(text)
            _ = try? RateLimiter.bytesPerSecond(text)
            let template = try NameTemplate(text)
            let image = ImageName(host: "a.example:5000", repository: "b/c")
            _ = try template.name(of: image, registry: image.host)
        },
        text("recorded-names") { text in
            for host in [nil, "", "a.example:5000", "plain"] {
                for bareWordIsTag in [true, false] {
                    let name = SourceImage.Name(recorded: text, host: host, bareWordIsTag: bareWordIsTag)
                    guard case .full(let full) = name else { continue }
                    let again = SourceImage.Name(
                        recorded: full.description, host: full.host ?? "", bareWordIsTag: false)
                    try promise("a recorded name stays what it is", again == name)
                    try promise("a canonical name is whole", full.canonical.contains("/"))
                }
            }
        },
        text("digests") { text in
            if let digest = Digest(text) {
                try promise("a digest stays what it is", digest.description == text)
                if let packed = PackedDigest(digest) {
                    try promise("a packed digest stays what it is", packed.hex == digest.hex)
                }
            }
            try promise(
                "packed digests are digests", (PackedDigest(hex: text) != nil) == (Digest(.sha256, hex: text) != nil))
            // Ten thousand years are not told.
            if let time = Timestamp.parse(text), time < 253_402_300_800 {
                try promise("a time stays what it is", Timestamp.parse(Timestamp.rfc3339(time)) == time)
            }
            _ = HTTPDate.seconds(text)
            _ = Duration(go: text)
            if let id = SnapshotID(text) {
                try promise("a snapshot's ID stays what it is", id.description == text)
                try promise("a snapshot has a date", id.isAsOld(as: id.date) == true)
            }
            _ = SnapshotID("20261124T020000.123Z")?.isAsOld(as: text)
        },
        lines("patterns") { lines in
            for pattern in [try? TextPattern(glob: lines[0]), try? TextPattern(expression: lines[0])] {
                for name in lines.dropFirst() { _ = pattern?.matches(name) }
            }
        },
        lines("versions") { lines in
            let versions = lines.prefix(64).compactMap { SemanticVersion($0) }
            for version in versions {
                try promise("a version stays what it is", SemanticVersion(version.description) == version)
            }
            for range in lines.prefix(64).compactMap({ VersionRange($0) }) {
                for version in versions { _ = range.contains(version) }
            }
            for (a, b) in zip(versions, versions.dropFirst()) {
                try promise("of two versions one is the greater", [a < b, b < a, a == b].count { $0 } == 1)
            }
            let sorted = versions.sorted()
            for (place, version) in sorted.enumerated() {
                try promise("sorted versions are in order", !sorted[..<place].contains { version < $0 })
            }
        },
    ]
}

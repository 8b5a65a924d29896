import DrayKit
import Foundation
import ImageBackup
import ImageModel
import ImageTransfer
import ImageVerification
import Testing

/// What a plain client can pull before and after damage at random, and what a verification says of it.
@Suite(.serialized) struct DamageTests {
    static let isLong = ProcessInfo.processInfo.environment["DRAY_TESTS_LONG"] != nil
    static let cases = isLong ? 2500 : 250

    /// Gone when the test is.
    final class Ground {
        let path = FileManager.default.temporaryDirectory.appending(path: "verify-\(UUID().uuidString.prefix(8))").path
        init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    enum Kind: String, CaseIterable, Sendable {
        case store, layout, directory, backup

        func path(_ samples: SamplePlaces) -> String {
            switch self {
            case .store: samples.store
            case .layout: samples.layout
            case .directory: samples.directory
            case .backup: samples.backup
            }
        }
        private func subject(at path: String) throws -> VerifiedSubject {
            let transport =
                switch self {
                case .store: "store:"
                case .layout: "oci:"
                case .directory: "dir:"
                case .backup: ""
                }
            return try VerifiedSubject(transport + path, ReferenceReader())
        }
        func place(at path: String) async throws -> any VerifiedPlace {
            try await Dray().verifiedPlace(subject(at: path))
        }
        func mendablePlace(at path: String, keepsReplaced: Bool) async throws -> any MendablePlace {
            try await Dray().mendablePlace(subject(at: path), keepsReplaced: keepsReplaced)
        }
        func pulls(_ reader: PlainReader) -> [String: PlainReader.Pull] {
            switch self {
            case .store: reader.store()
            case .layout: reader.layout()
            case .directory: reader.directory()
            case .backup: reader.backup()
            }
        }
        /// Names of files.
        var lists: Set<String> {
            switch self {
            case .store: []
            case .layout: ["index.json", "oci-layout"]
            case .directory: ["manifest.json", "version"]
            case .backup: ["backup.json", "_snapshot.json", "index.json", "oci-layout"]
            }
        }
    }

    static var deep: VerifyOptions {
        var options = VerifyOptions()
        options.isDeep = true
        return options
    }

    static func verify(_ place: any VerifiedPlace) async throws -> VerifyReport {
        try await Verifier(options: deep).verify(place)
    }

    static func verify(archive path: String) async throws -> VerifyReport {
        try await verify(Dray().verifiedPlace(VerifiedSubject("oci-archive:\(path)", ReferenceReader())))
    }

    private func isNamed(_ name: String, in damage: [Finding], _ kind: Kind) -> Bool {
        damage.contains { finding in
            finding.affected.contains {
                $0.name == name || $0.name.hasPrefix("everything in ") || kind == .directory
            }
        }
    }

    @Test(arguments: Kind.allCases) func everyDamageIsFoundAndMended(_ kind: Kind) async throws {
        let ground = try Ground()
        let samples = try await SamplePlaces(in: ground.path)
        let pristine = kind.path(samples)
        let before = try PlainReader(directory: pristine)
        let sound = kind.pulls(before)
        #expect(!sound.isEmpty && sound.values.allSatisfy { $0 != nil })
        let place = "\(ground.path)/victim"
        var changed = 0
        for seed in 0..<Self.cases {
            try? FileManager.default.removeItem(atPath: place)
            try FileManager.default.copyItem(atPath: pristine, toPath: place)
            var vandal = Vandal(seed: UInt64(seed), root: place, lists: kind.lists)
            var acts: [String] = []
            for _ in 0...(seed % 4 == 0 ? 3 : 0) {
                acts.append(try vandal.act(on: Array(before.files.keys)))
            }
            let note = "\(kind) \(seed): \(acts)"
            let pulls = kind.pulls(try PlainReader(directory: place))
            // A manifest whose link is gone was deleted, as far as anybody can tell, unless a tag leads to it.
            let broken = sound.filter {
                pulls[$0.key] != $0.value && (pulls.keys.contains($0.key) || !$0.key.contains("@"))
            }
            .map(\.key)
            let found = try await Self.verify(kind.place(at: place))
            for name in broken {
                #expect(isNamed(name, in: found.damage, kind), "\(note): \(name) is not named in \(found.damage)")
            }
            changed += broken.isEmpty ? 0 : 1
            guard !found.damage.isEmpty else { continue }
            // Likewise: nothing tells that it was ever there.
            if sound.keys.contains(where: { !pulls.keys.contains($0) && $0.contains("@") }) { continue }
            let left = try await Repairer(options: Self.deep).repair(
                { try await kind.place(at: place) },
                through: try await kind.mendablePlace(at: place, keepsReplaced: seed % 2 == 0),
                from: [RepairSource(try await kind.place(at: pristine))])
            #expect(
                left.damage.isEmpty, "\(note): \(left.damage.map { "\($0.subject) \($0.problem)" }) \(left.failures)")
            let after = try PlainReader(directory: place)
            for (path, content) in before.files where path != "version" {
                #expect(after.files[path] == content, "\(note): \(path)")
            }
        }
        #expect(changed > Self.cases / 4)
    }

    /// What an index lists is unknown while the index is gone, and so is what lies in the way of its parts.
    @Test(arguments: [Kind.layout, .backup]) func partsOfALostIndexAreMendedWhateverLiesInTheirPlace(
        _ kind: Kind
    ) async throws {
        let ground = try Ground()
        let pristine = kind.path(try await SamplePlaces(in: ground.path))
        let place = "\(ground.path)/victim"
        try FileManager.default.copyItem(atPath: pristine, toPath: place)
        let before = try PlainReader(directory: pristine)
        struct Index: Decodable {
            struct Entry: Decodable { var digest: String }
            var manifests: [Entry]
        }
        var lost = 0
        for (path, content) in before.files where path.hasPrefix("blobs/") {
            guard let index = try? JSONDecoder().decode(Index.self, from: content) else { continue }
            for path in [path] + index.manifests.map({ "blobs/\($0.digest.replacing(":", with: "/"))" }) {
                try FileManager.default.removeItem(atPath: "\(place)/\(path)")
                try FileManager.default.createDirectory(
                    atPath: "\(place)/\(path)", withIntermediateDirectories: false)
                lost += 1
            }
        }
        #expect(lost >= 3)
        let left = try await Repairer(options: Self.deep).repair(
            { try await kind.place(at: place) }, through: try await kind.mendablePlace(at: place, keepsReplaced: false),
            from: [RepairSource(try await kind.place(at: pristine))])
        #expect(left.damage.isEmpty, "\(left.damage) \(left.failures)")
        let after = try PlainReader(directory: place)
        for (path, content) in before.files { #expect(after.files[path] == content, "\(path)") }
    }

    /// In the long run a thousand places.
    @Test func whatIsSoundIsNotAccused() async throws {
        for seed in 0..<(Self.isLong ? 200 : 20) {
            let ground = try Ground()
            let samples = try await SamplePlaces(in: ground.path, seed: UInt64(seed))
            for kind in Kind.allCases {
                let report = try await Self.verify(kind.place(at: kind.path(samples)))
                #expect(report.findings.isEmpty, "\(kind) \(seed): \(report.findings)")
            }
            let report = try await Self.verify(archive: samples.archive)
            #expect(report.findings.isEmpty, "archive \(seed): \(report.findings)")
        }
    }

    @Test func damagedArchivesAreFound() async throws {
        let ground = try Ground()
        let samples = try await SamplePlaces(in: ground.path)
        let tar = try Data(contentsOf: URL(filePath: samples.archive))
        let members = try #require(PlainReader.members(of: tar))
        func pulls(_ tar: Data) -> [String: PlainReader.Pull] {
            guard let members = PlainReader.members(of: tar) else { return [:] }
            let files = members.map { ($0.path, tar.subdata(in: $0.range)) }
            return PlainReader(Dictionary(files) { $1 }).layout()
        }
        let sound = pulls(tar)
        #expect(!sound.isEmpty && sound.values.allSatisfy { $0 != nil })
        let place = "\(ground.path)/victim.tar"
        var random = SeededBytes(seed: 7)
        var changed = 0
        for number in 0..<Self.cases {
            var bytes = tar
            if number % 3 == 0 {
                bytes = bytes.prefix(Int.random(in: 0..<bytes.count, using: &random))
            } else {
                let position = Int.random(in: 0..<bytes.count, using: &random)
                let isInList = members.contains {
                    ["index.json", "oci-layout", "manifest.json"].contains($0.path) && $0.range.contains(position)
                }
                if isInList { continue }
                bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            }
            try bytes.write(to: URL(filePath: place))
            let now = pulls(bytes)
            let broken = sound.contains { now[$0.key] != $0.value }
            changed += broken ? 1 : 0
            var isFound: Bool
            do {
                isFound = try await !Self.verify(archive: place).damage.isEmpty
            } catch {
                // One that cannot be opened at all.
                isFound = true
            }
            #expect(isFound || !broken, "case \(number)")
        }
        #expect(changed > Self.cases / 3)
    }
}

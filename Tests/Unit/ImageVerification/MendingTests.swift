import ByteStreams
import DrayKit
import Foundation
import ImageBackup
import ImageLayouts
import ImageModel
import ImageTransfer
import ImageVerification
import Synchronization
import Testing

/// What happens between a look and the next, and between a look and a repair.
struct MendingTests {
    private let ground: DamageTests.Ground
    private let samples: SamplePlaces

    init() async throws {
        ground = try DamageTests.Ground()
        samples = try await SamplePlaces(in: ground.path)
    }

    // MARK: The second look

    /// A layout whose blobs change from look to look.
    private struct Changing: VerifiedPlace {
        let layout: OCISource
        /// What is given of a blob at each look; the bytes that are there where it says nothing.
        let script: @Sendable (_ look: Int, _ blob: Descriptor) throws -> (any ByteSource)?
        private let looks = Counter()

        final class Counter: Sendable {
            private let count = Mutex(0)
            func next() -> Int {
                count.withLock {
                    $0 += 1; return $0
                }
            }
            var value: Int { count.withLock { $0 } }
        }

        init(_ path: String, script: @escaping @Sendable (Int, Descriptor) throws -> (any ByteSource)?) throws {
            layout = try OCISource(path: path)
            self.script = script
        }

        var title: String { layout.title }
        var madeUpRepository: String { layout.madeUpRepository }
        func listing() async throws -> SourceListing { try await layout.listing() }
        func manifest(_ descriptor: Descriptor, in repository: String?) async throws -> Manifest {
            try await layout.manifest(descriptor, in: repository)
        }
        func blob(_ descriptor: Descriptor, in repository: String?) async throws -> any ByteSource {
            let own = try await layout.blob(descriptor, in: repository)
            return try script(looks.value, descriptor) ?? own
        }
        func referrers(of digest: Digest, in repository: String?) async throws -> [Descriptor] { [] }
        func survey(named name: String?, digest: Digest?) async throws -> PlaceSurvey {
            _ = looks.next()
            return try await layout.survey(named: name, digest: digest)
        }
    }

    /// The damage that is told of a place whose blobs are scripted.
    private func damage(
        _ script: @escaping @Sendable (Int, Descriptor) throws -> (any ByteSource)?
    ) async throws -> [Finding] {
        try await Verifier().verify(Changing(samples.layout, script: script)).damage
    }

    @Test func damageIsWhatIsWrongAtTwoLooks() async throws {
        let layers = try await layers()
        let (first, second) = (layers[0], layers[1])
        @Sendable func wrong() -> any ByteSource { BytesSource(Array("other bytes".utf8)) }
        // Wrong bytes at first, then none: a disk that fails.
        let failing = try await damage { look, blob in
            guard blob.digest == first else { return nil }
            if look == 1 { return wrong() }
            throw ImageError.io(operation: "read", path: "it", errno: EIO)
        }
        #expect(failing.map(\.subject) == ["\(first)"] && failing[0].kind == .unreadable, "\(failing)")
        // What was being replaced.
        #expect(try await damage { look, blob in look == 1 && blob.digest == first ? wrong() : nil }.isEmpty)
        // Two that were being replaced, one after the other.
        let moving = try await damage { look, blob in blob.digest == (look == 1 ? first : second) ? wrong() : nil }
        #expect(moving.isEmpty, "\(moving)")
        let lasting = try await damage { _, blob in blob.digest == first ? wrong() : nil }
        #expect(lasting.map(\.kind) == [.blobDamaged])
    }

    private func layers() async throws -> [Digest] {
        let source = try OCISource(path: samples.layout)
        let image = try await source.image(named: "team/app:2", digest: nil)
        guard case .image(let content) = try await source.manifest(image.descriptor, in: nil).content else { return [] }
        return content.layers.map(\.digest)
    }

    // MARK: Between a look and a repair

    private func store() async throws -> (any MendablePlace, any VerifiedPlace) {
        let dray = Dray()
        let reference = ImageReference(transport: .store, location: samples.store)
        return (
            try await dray.mendablePlace(reference, keepsReplaced: false), try await dray.verifiedPlace(reference)
        )
    }

    @Test func aTagThatWasSetMeanwhileIsLeft() async throws {
        let (place, source) = try await store()
        let name = ImageName(repository: "team/app", tag: "2")
        let own = try await source.image(named: "team/app:2", digest: nil).descriptor
        let other = try await source.image(named: "team/app:1", digest: nil).descriptor
        let tag = "\(samples.store)/docker/registry/v2/repositories/team/app/_manifests/tags/2"
        func meaning() throws -> String { try String(contentsOfFile: "\(tag)/current/link", encoding: .utf8) }
        try await place.mend(name, to: other)
        #expect(try meaning() == "\(own.digest)")
        for broken in ["", "\(own.digest)\n", "nonsense"] {
            try broken.write(toFile: "\(tag)/current/link", atomically: false, encoding: .utf8)
            try await place.mend(name, to: other)
            #expect(try meaning() == "\(other.digest)")
        }
        try FileManager.default.removeItem(atPath: tag)
        try await place.mend(name, to: other)
        #expect(!FileManager.default.fileExists(atPath: tag))
    }

    @Test(arguments: [DamageTests.Kind.layout, .directory, .backup])
    func aListThatWasWrittenMeanwhileIsLeft(_ kind: DamageTests.Kind) async throws {
        let root = kind.path(samples)
        let place = try await kind.mendablePlace(at: root, keepsReplaced: false)
        let before = try PlainReader(directory: root)
        for path in before.files.keys where kind.lists.contains(URL(filePath: path).lastPathComponent) {
            guard path != "backup.json", path != "version" else { continue }
            let own = try #require(before.files[path])
            try await place.put(Array("{}".utf8), at: path, leadingTo: nil)
            #expect(try Data(contentsOf: URL(filePath: "\(root)/\(path)")) == own, "\(path)")
            try Data("broken".utf8).write(to: URL(filePath: "\(root)/\(path)"))
            try await place.put(Array(own), at: path, leadingTo: nil)
            #expect(try Data(contentsOf: URL(filePath: "\(root)/\(path)")) == own, "\(path)")
        }
        guard kind == .backup else { return }
        // A newer snapshot came meanwhile.
        let latest = try FileManager.default.destinationOfSymbolicLink(atPath: "\(root)/snapshots/latest")
        try await place.put(Array("20000101T000000.000Z".utf8), at: "snapshots/latest", leadingTo: nil)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: "\(root)/snapshots/latest") == latest)
    }

    // MARK: A place that takes nothing

    /// A layout on a disk that is full, though it did not look so.
    private final class Full: MendablePlace {
        let layout: any MendablePlace
        let code: Int32
        private let writers = Mutex(0)

        init(_ layout: any MendablePlace, code: Int32) {
            self.layout = layout
            self.code = code
        }

        var asked: Int { writers.withLock { $0 } }
        var title: String { "the place" }
        var requestedName: String? { nil }
        var traits: DestinationTraits { layout.traits }
        func begin(_ images: AnnouncedImages, areCertain: Bool) async throws {}
        func has(_ blob: Descriptor, in repository: String) async throws -> Bool {
            try await layout.has(blob, in: repository)
        }
        func has(manifest: Digest, in repository: String) async throws -> Bool {
            try await layout.has(manifest: manifest, in: repository)
        }
        func digest(of name: ImageName) async throws -> Digest? { nil }
        func freeSpace() async throws -> Int64? { .max }
        func writer(for target: BlobTarget) throws -> any BlobWriter {
            writers.withLock { $0 += 1 }
            throw ImageError.io(operation: "write", path: "the place", errno: code)
        }
        func put(_ manifest: Manifest, in repository: String) async throws {
            try await layout.put(manifest, in: repository)
        }
        func tag(_ descriptor: Descriptor, as name: ImageName) async throws {}
        func finish() async throws { try await layout.finish() }
        func abandon() async {}
    }

    @Test(arguments: [ENOSPC, EACCES]) func aPlaceThatTakesNothingSaysSo(_ code: Int32) async throws {
        let victim = "\(ground.path)/victim"
        try FileManager.default.copyItem(atPath: samples.layout, toPath: victim)
        let lost = try await layers()
        for digest in lost { try FileManager.default.removeItem(atPath: "\(victim)/blobs/sha256/\(digest.hex)") }
        let dray = Dray()
        let reference = ImageReference(transport: .oci, location: victim)
        let full = Full(try await dray.mendablePlace(reference, keepsReplaced: false), code: code)
        var sources: [RepairSource] = []
        for _ in 0..<2 {
            sources.append(
                RepairSource(
                    try await dray.verifiedPlace(ImageReference(transport: .oci, location: samples.layout))))
        }
        let report = try await Repairer().repair(
            { try await dray.verifiedPlace(reference) }, through: full, from: sources)
        #expect(report.damage.count == lost.count && report.mended.isEmpty)
        // No source is to blame, and none is tried in vain; a disk that is full is not asked again.
        #expect(!report.failures.contains { $0.contains("no source") }, "\(report.failures)")
        #expect(full.asked == (code == ENOSPC ? 1 : lost.count))
        #expect(report.failures.count == full.asked)
        if code == ENOSPC { #expect(report.failures[0].contains("the place takes no more"), "\(report.failures)") }
    }
}

import ByteStreams
import ImageModel
import ImageTransfer
import ImageVerification
import Synchronization
import Testing

/// Manifests that are listed many times are read once.
struct SharedContentTests {
    /// Counts how often manifests are read.
    private struct CountingSource: ImageSource {
        final class Counter: Sendable { let count = Mutex(0) }

        let base: MemoryPlace
        let counter = Counter()
        var title: String { base.title }
        var madeUpRepository: String { base.madeUpRepository }
        var reads: Int { counter.count.withLock { $0 } }

        func listing() async throws -> SourceListing { try await base.listing() }
        func manifest(_ descriptor: Descriptor, in repository: String?) async throws -> Manifest {
            counter.count.withLock { $0 += 1 }
            return try await base.manifest(descriptor, in: repository)
        }
        func blob(_ descriptor: Descriptor, in repository: String?) async throws -> any ByteSource {
            try await base.blob(descriptor, in: repository)
        }
        func referrers(of digest: Digest, in repository: String?) async throws -> [Descriptor] { [] }
    }

    private static func source() throws -> CountingSource {
        let source = MemoryPlace()
        let children = try (0..<3).map { try source.image("\($0)") }
        let inner = try source.index(children, note: "inner")
        source.name(try source.index(Array(repeating: inner, count: 20), note: "outer"), .tag("a"))
        return CountingSource(base: source)
    }

    @Test func manifestsOfAnImage() async throws {
        let source = try Self.source()
        let manifests = try await source.manifests(of: source.base.images[0])
        #expect(manifests.count == 5)
        #expect(source.reads == 5)
    }

    @Test func manifestsOfAListing() async throws {
        let source = try Self.source()
        let summaries = try await source.summaries(of: source.base.images)
        let summary = try #require(summaries.values.first)
        #expect(summary.platforms.map(\.description) == ["linux/amd64"] && summary.problem == nil)
        #expect(source.reads == 5)
    }

    /// Many images with many parts in common: the work for them ends somewhere, and the listing says so.
    @Test func summariesOfSharedPartsAreLimited() async throws {
        let source = MemoryPlace()
        let children = try (0..<600).map { try source.image("\($0)") }
        let inner = try source.index(children, note: "inner")
        for number in 0..<600 { source.name(try source.index([inner], note: "\(number)"), .tag("t\(number)")) }
        let summaries = try await source.summaries(of: source.images)
        let problems = Set(summaries.values.compactMap(\.problem))
        #expect(summaries.count == 600)
        #expect(problems.count == 1 && problems.first?.contains("shares its parts") == true)
        #expect(summaries.values.contains { $0.problem == nil && $0.size != nil })
    }

    @Test func findingsKeepTheFirstNames() {
        let all = (0..<1000).map { AffectedImage("image\(String($0 + 1000))") }
        let finding = Finding(.blobMissing, "x", "is missing", affected: AffectedImages(all.reversed()), advice: "")
        #expect(finding.affectedCount == 1000)
        #expect(finding.affected == Array(all.prefix(AffectedImages.limit)))
    }
}

import ByteStreams
import Foundation
import ImageModel
import ImageTransfer
import Testing

/// The receipt of a copy, as a program reads it.
struct ReceiptTests {
    /// A receipt as JSON: what is left out is nil.
    private struct Read: Decodable {
        struct Image: Decodable {
            var name: String
            var source: String
            var destination: String?
            var rule: String?
            var outcome: String
            var digest: String?
            var previousDigest: String
            var replacedDigest: String?
            var kept: Bool
            var bytesMoved: Int64
            var bytesSkipped: Int64
            var estimate: String?
        }

        struct Failure: Decodable {
            var name: String?
            var source: String
            var rule: String?
            var digest: String?
            var message: String
        }

        struct Disk: Decodable {
            var destination: String
            var needed: Int64
            var free: Int64
            var problem: String?
        }

        var version: String
        var dryRun: Bool
        var outcome: String
        var sources: [String]
        var destination: String?
        var volumes: [String]
        var snapshot: String?
        var started: String
        var ended: String
        var seconds: Double
        var bytesMoved: Int64
        var bytesSkipped: Int64
        var images: [Image]
        var failures: [Failure]
        var disks: [Disk]
    }

    private static func read(
        _ report: CopyReport, _ outcome: CopyReceipt.Outcome = .done,
        _ change: (inout CopyReceipt.Places) -> Void = { _ in }
    ) throws -> Read {
        var places = CopyReceipt.Places(sources: ["oci:/a"], destination: "store:/b")
        change(&places)
        let clock = RunClock()
        let receipt = CopyReceipt(report, outcome, at: places, version: "1.2.3", clock: clock)
        let directory = try Workplace()
        try receipt.write(to: directory["receipt.json"])
        let data = try Data(contentsOf: URL(filePath: directory["receipt.json"]))
        #expect(data.last == UInt8(ascii: "\n"))
        return try JSONDecoder().decode(Read.self, from: data)
    }

    private static func source() throws -> MemoryPlace {
        let source = MemoryPlace("here")
        for tag in ["1", "2"] {
            source.name(try source.image(tag), .full(ImageName(repository: "app", tag: tag)), in: "app")
        }
        source.name(try source.image("digest only"), .full(ImageName(repository: "app")), in: "app")
        return source
    }

    @Test func aCopyIsRecorded() async throws {
        let memory = try Self.source()
        let source = AlteredSource(memory) { $0.reference = ImageReference(transport: .oci, location: "/a") }
        let place = MemoryPlace("there")
        let selection = CopySelection(source: source, rule: "nightly")
        let report = try await ToldCopy([selection], to: place).report
        let receipt = try Self.read(report) { places in
            places.volumes = ["b.001.tar"]
            places.snapshot = "abc"
            places.place = { _ in ImageReference(transport: .store, location: "/b") }
        }
        #expect(receipt.version == "1.2.3" && receipt.outcome == "done" && !receipt.dryRun)
        #expect(receipt.sources == ["oci:/a"] && receipt.destination == "store:/b")
        #expect(receipt.volumes == ["b.001.tar"] && receipt.snapshot == "abc")
        #expect(receipt.bytesMoved == report.bytesMoved && receipt.bytesSkipped == report.bytesSkipped)
        let (started, ended) = (Timestamp.parse(receipt.started), Timestamp.parse(receipt.ended))
        #expect(try #require(started) <= #require(ended) && receipt.seconds >= 0 && receipt.seconds < 600)
        let images = memory.images.map(\.descriptor.digest)
        #expect(receipt.images.map(\.digest) == images.map(\.description))
        #expect(receipt.images.map(\.previousDigest) == images.map(\.description))
        #expect(receipt.images.map(\.source) == ["oci:/a:app:1", "oci:/a:app:2", "oci:/a:app@\(images[2])"])
        // An image without a tag has a reference by its digest.
        #expect(
            receipt.images.map(\.destination) == ["store:/b:app:1", "store:/b:app:2", "store:/b:app@\(images[2])"])
        #expect(receipt.images.allSatisfy { $0.rule == "nightly" && $0.kept && $0.estimate == nil })
        #expect(receipt.images.map(\.outcome) == ["copied", "copied", "copied"])
        // Once more, everything is there.
        let again = try Self.read(try await ToldCopy([selection], to: place).report)
        #expect(again.images.map(\.outcome) == ["present", "present", "present"])
        #expect(again.images.allSatisfy { $0.bytesMoved == 0 && $0.bytesSkipped > 0 && $0.destination == nil })
    }

    @Test func tagsThatChangeAreRecorded() async throws {
        let place = MemoryPlace("there")
        let old = MemoryPlace("old")
        let image = try old.image("old")
        old.name(image, .full(ImageName(repository: "app", tag: "1")), in: "app")
        _ = try await ToldCopy(old, to: place)
        let skipped = try Self.read(try await ToldCopy(Self.source(), to: place) { $0.onExisting = .skip }.report)
        let entry = try #require(skipped.images.first { $0.name == "app:1" })
        #expect(entry.outcome == "skipped" && entry.replacedDigest == image.digest.description)
        let copied = try Self.read(try await ToldCopy(Self.source(), to: place).report)
        let replaced = try #require(copied.images.first { $0.name == "app:1" })
        #expect(replaced.outcome == "copied" && replaced.replacedDigest == image.digest.description)
    }

    /// A dry run of a compression knows neither digest nor size.
    @Test func estimatesAreMarked() async throws {
        let source = MemoryPlace("here")
        source.name(
            try source.image("raw", layer: source.add(MemoryPlace.emptyTar, .ociLayer)),
            .full(ImageName(repository: "app", tag: "raw")), in: "app")
        source.name(try source.image("packed"), .full(ImageName(repository: "app", tag: "packed")), in: "app")
        let report = try await ToldCopy(source, to: MemoryPlace("there")) {
            $0.dryRun = true
            $0.compression = .zstd
        }.report
        let receipt = try Self.read(report)
        #expect(receipt.dryRun && receipt.images.map(\.estimate) == ["atMost", "about"])
        #expect(receipt.images.allSatisfy { $0.digest == nil && !$0.kept })
        #expect(receipt.images.map(\.previousDigest) == source.images.map(\.descriptor.digest.description))
    }

    @Test func failuresAreRecordedWithoutSecrets() throws {
        let digest = Digest(of: [1])
        let failure = CopyReport.Failure(
            source: "docker://example.com/app:1", name: "app:1", digest: digest, rule: "nightly",
            error: ImageError.refused("https://user:secret@example.com/v2/: no"))
        let receipt = try Self.read(CopyReport(failures: [failure]), .partial)
        let read = try #require(receipt.failures.first)
        #expect(receipt.outcome == "partial" && read.name == "app:1" && read.rule == "nightly")
        #expect(read.source == "docker://example.com/app:1" && read.digest == digest.description)
        #expect(read.message.contains("example.com/v2/") && !read.message.contains("secret"))
    }

    @Test func roomIsRecorded() async throws {
        let place = FaultyPlace("there") {
            $0.freeSpace = 10
            $0.writeObstacle = "read-only file system"
        }
        let report = try await ToldCopy(Self.source(), to: place) { $0.dryRun = true }.report
        let disk = try #require(try Self.read(report).disks.first)
        #expect(disk.destination == "there" && disk.free == 10 && disk.needed > 10)
        #expect(disk.problem == "read-only file system")
    }

    @Test func aReceiptThatCannotBeWrittenIsAnError() throws {
        let directory = try Workplace()
        let receipt = CopyReceipt(
            CopyReport(), .failed, at: CopyReceipt.Places(sources: []), version: "1", clock: RunClock())
        #expect {
            try receipt.write(to: directory["nope/receipt.json"])
        } throws: { ($0 as? ImageError)?.errno == 2 }
    }

    /// The reports of several copies become one.
    @Test func reportsAreAdded() async throws {
        var sum = try await ToldCopy(Self.source(), to: MemoryPlace("there")).report
        let bytes = sum.bytesMoved
        let other = try await ToldCopy(Self.source(), to: MemoryPlace("elsewhere")).report
        sum.add(other)
        #expect(sum.images.count == 6 && sum.bytesMoved == 2 * bytes)
    }
}

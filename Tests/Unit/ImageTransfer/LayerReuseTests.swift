import ByteStreams
import Foundation
import ImageModel
import ImageTransfer
import Testing

/// Layers that a destination has in the form that is wanted: they are neither packed nor sent again.
struct LayerReuseTests {
    private static let tar = MemoryPlace.emptyTar + [UInt8](repeating: 7, count: 5120)
    private static let diffID = Digest(of: tar)

    private static func packed(_ format: CompressionFormat, _ bytes: [UInt8] = tar) throws -> [UInt8] {
        let source: any ByteSource =
            format == .zstd
            ? ZstdCompressor(BytesSource(bytes), level: 3) : GzipCompressor(BytesSource(bytes), level: 9)
        return try source.readAll(limit: 1 << 20, name: "test")
    }

    /// An image with the raw layer, called `app:new`.
    private static func source() throws -> MemoryPlace {
        let source = MemoryPlace("here")
        let image = try source.image("new", layer: source.add(tar, .ociLayer), diffID: diffID)
        source.name(image, .full(ImageName(repository: "app", tag: "new")), in: "app")
        return source
    }

    /// A destination that has an image whose config says that its layer has the diffID.
    private static func place(
        with layer: [UInt8], _ type: MediaType, memory: LayerMemory? = nil,
        _ change: (inout AlteredSource) -> Void = { _ in }
    ) throws -> FaultyPlace {
        let known = MemoryPlace("there")
        let image = try known.image("old", layer: known.add(layer, type), diffID: diffID)
        let listed = SourceImage(
            name: .full(ImageName(repository: "app", tag: "old")), descriptor: image, repository: "app")
        return place(of: known, memory) {
            $0.present = PresentImages(source: AlteredSource(known, change), images: [listed])
        }
    }

    /// A destination with all that is in another place.
    private static func place(
        of known: MemoryPlace, _ memory: LayerMemory? = nil, _ change: (inout FaultyPlace.Behaviour) -> Void
    ) -> FaultyPlace {
        let place = FaultyPlace("there", layerMemory: memory, change)
        for bytes in known.contents.values { place.add(bytes, .ociLayer) }
        return place
    }

    private static func layer(_ copy: ToldCopy, _ place: FaultyPlace) async throws -> Descriptor {
        let manifest = try await place.manifest(try #require(copy.image).descriptor, in: nil)
        return try #require(manifest.blobs.last)
    }

    @Test(arguments: [CompressionChoice.gzip, .zstd])
    func layersAreReused(_ choice: CompressionChoice) async throws {
        let format: CompressionFormat = choice == .zstd ? .zstd : .gzip
        let bytes = try Self.packed(format)
        let place = try Self.place(with: bytes, choice == .zstd ? .ociLayerZstd : .ociLayerGzip)
        let copy = try await ToldCopy(Self.source(), to: place) {
            $0.compression = choice
        }
        let layer = try await Self.layer(copy, place)
        #expect(layer.digest == Digest(of: bytes) && layer.size == Int64(bytes.count))
        #expect(layer.mediaType == (choice == .zstd ? .ociLayerZstd : .ociLayerGzip))
        // The config is the same as that of the image there, so that nothing but a manifest is new.
        #expect(place.targets.isEmpty && copy.remarks.isEmpty)
    }

    /// A layer of another compression is of no use.
    @Test func layersInAnotherFormAreNotReused() async throws {
        let place = try Self.place(with: try Self.packed(.zstd), .ociLayerZstd)
        let copy = try await ToldCopy(Self.source(), to: place) { $0.compression = .gzip }
        #expect(try await Self.layer(copy, place).mediaType == .ociLayerGzip)
        #expect(place.targets.count == 1 && copy.remarks.isEmpty)
    }

    /// An image that claims another one's diffID would put its own layer in that one's place.
    @Test(arguments: ["other content", "damaged", "missing"])
    func claimsAreVerified(_ kind: String) async throws {
        let liar =
            kind == "other content"
            ? try Self.packed(.gzip, [UInt8](repeating: 1, count: 6144)) : try Self.packed(.gzip)
        let place = try Self.place(with: liar, .ociLayerGzip) { source in
            if kind == "damaged" { source.blobs[Digest(of: liar)] = Array(liar.dropLast(20)) }
        }
        if kind == "missing" { place.remove(Digest(of: liar)) }
        let copy = try await ToldCopy(Self.source(), to: place) { $0.compression = .gzip }
        let layer = try await Self.layer(copy, place)
        #expect(layer.digest != Digest(of: liar))
        let bytes = try #require(place.contents[layer.digest])
        let tar = try InflatingSource(BytesSource(bytes), format: .gzip, limit: .standard, name: "test")
        #expect(try tar.readAll(limit: 1 << 20, name: "test") == Self.tar)
        // What is wrong there is told.
        let digest = Digest(of: liar).description
        #expect(copy.remarks.contains { $0.contains(digest) } == (kind != "missing"), "\(copy.remarks)")
    }

    /// Images there that cannot be read, or have no layers, are nothing to build upon.
    @Test func imagesThatCannotBeRead() async throws {
        let bytes = try Self.packed(.gzip)
        let known = MemoryPlace("there")
        let good = try known.image("old", layer: known.add(bytes, .ociLayerGzip), diffID: Self.diffID)
        let damaged = try known.image("damaged", layer: known.add(Array("x".utf8), .ociLayerGzip))
        known.remove(damaged.digest)
        let index = try known.index([damaged, good, good], note: "index")
        let listed = SourceImage(name: .none, descriptor: index, repository: "app")
        let place = Self.place(of: known) { $0.present = PresentImages(source: known, images: [listed]) }
        let copy = try await ToldCopy(Self.source(), to: place) { $0.compression = .gzip }
        #expect(try await Self.layer(copy, place).digest == Digest(of: bytes))
    }

    // MARK: The memory

    private static func memory(_ directory: Workplace) -> LayerMemory { LayerMemory(place: directory.path) }

    private static func file(_ directory: Workplace) -> URL { URL(filePath: directory[".dray/layers"]) }

    /// Copies with a memory, and gives what it holds in the end.
    private static func remember(
        _ directory: Workplace, _ choice: CompressionChoice = .gzip
    ) async throws -> [String] {
        let place = MemoryPlace("there", layerMemory: memory(directory))
        _ = try await ToldCopy(source(), to: place) { $0.compression = choice }
        return try lines(directory)
    }

    private static func lines(_ directory: Workplace) throws -> [String] {
        try String(contentsOf: file(directory), encoding: .utf8).split(separator: "\n").map(String.init)
    }

    /// What was verified once is remembered, so that it is not read again.
    @Test func verifiedLayersAreRemembered() async throws {
        let directory = try Workplace()
        let bytes = try Self.packed(.gzip)
        let place = try Self.place(with: bytes, .ociLayerGzip, memory: Self.memory(directory))
        _ = try await ToldCopy(Self.source(), to: place) { $0.compression = .gzip }
        let known = Self.memory(directory).layers(of: Self.diffID, .gzip)
        #expect(known.map(\.digest) == [Digest(of: bytes)] && known.map(\.size) == [Int64(bytes.count)])
    }

    @Test func newLayersAreAppended() async throws {
        let directory = try Workplace()
        let first = try await Self.remember(directory)
        #expect(first.count == 2 && first[0].hasPrefix("dray layers 1 "))
        let second = try await Self.remember(directory, .zstd)
        #expect(second.count == 3 && Array(second.prefix(2)) == first && second[2].contains(" zstd "))
        #expect(Self.memory(directory).layers(of: Self.diffID, .zstd).count == 1)
        // What is known already adds nothing.
        #expect(try await Self.remember(directory) == second)
    }

    /// A crash may cut off the last line: it counts for nothing, and the next line does not suffer from it.
    @Test func linesThatAreCutOff() async throws {
        let directory = try Workplace()
        _ = try await Self.remember(directory)
        let whole = try Data(contentsOf: Self.file(directory))
        let handle = try FileHandle(forWritingTo: Self.file(directory))
        try handle.truncate(atOffset: UInt64(whole.count - 90))
        try handle.close()
        #expect(Self.memory(directory).layers(of: Self.diffID, .gzip).isEmpty)
        let lines = try await Self.remember(directory, .zstd)
        #expect(lines.count == 3)
        #expect(Self.memory(directory).layers(of: Self.diffID, .zstd).count == 1)
    }

    @Test(arguments: ["size", "digest", "compression", "words"])
    func linesThatMakeNoSense(_ kind: String) async throws {
        let directory = try Workplace()
        _ = try await Self.remember(directory)
        let line =
            switch kind {
            case "size": "\(Self.diffID) gzip \(Digest(of: [1])) -5"
            case "digest": "\(Self.diffID) gzip sha256:12 5"
            case "compression": "\(Self.diffID) bzip2 \(Digest(of: [1])) 5"
            default: "\(Self.diffID) gzip"
            }
        let handle = try FileHandle(forWritingTo: Self.file(directory))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data((line + "\n").utf8))
        try handle.close()
        let known = Self.memory(directory).layers(of: Self.diffID, .gzip)
        #expect(known.count == 1 && known[0].digest != Digest(of: [1]))
    }

    /// A file that came along with a copy of the directory was written elsewhere: it counts for nothing.
    @Test func filesFromElsewhere() async throws {
        let directory = try Workplace()
        _ = try await Self.remember(directory)
        let other = try Workplace()
        try other.file(".dray/layers", Array(try Data(contentsOf: Self.file(directory))))
        #expect(Self.memory(other).layers(of: Self.diffID, .gzip).isEmpty)
        // It is begun anew.
        let lines = try await Self.remember(other, .zstd)
        #expect(lines.count == 2 && lines[1].contains(" zstd "))
    }

    @Test func filesThatAreTooLarge() async throws {
        let directory = try Workplace()
        _ = try await Self.remember(directory)
        let handle = try FileHandle(forWritingTo: Self.file(directory))
        try handle.truncate(atOffset: 9 << 20)
        try handle.close()
        #expect(Self.memory(directory).layers(of: Self.diffID, .gzip).isEmpty)
        #expect(try await Self.remember(directory, .zstd).count == 2)
    }
}

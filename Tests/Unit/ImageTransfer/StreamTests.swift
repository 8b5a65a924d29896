import ByteStreams
import ImageModel
import ImageTransfer
import Testing

/// Sources that can be read from front to back only: standard input, and archives that are compressed as a whole.
struct StreamTests {
    private static let name = ImageName(repository: "app", tag: "1")
    private static let tar = MemoryPlace.emptyTar + [UInt8](repeating: 7, count: 5120)
    private static let tarDigest = Digest(of: tar)

    /// An image of one layer, and the place that holds its documents.
    private static func image(_ layer: [UInt8], _ type: MediaType, diffID: Digest) throws -> MemoryPlace {
        let place = MemoryPlace("stdin")
        place.name(
            try place.image("app", layer: place.add(layer, type), diffID: diffID), .full(name), in: "app")
        return place
    }

    private static func raw() throws -> MemoryPlace { try image(tar, .ociLayer, diffID: tarDigest) }

    private static func packed(_ bytes: [UInt8], _ format: CompressionFormat) throws -> [UInt8] {
        let source: any ByteSource =
            format == .zstd ? ZstdCompressor(BytesSource(bytes)) : GzipCompressor(BytesSource(bytes), level: 1)
        return try source.readAll(limit: 1 << 20, name: "test")
    }

    /// The bytes of the only layer of a copied image, and its type.
    private static func layer(_ copy: ToldCopy, in place: MemoryPlace) async throws -> (bytes: [UInt8], type: MediaType)
    {
        let manifest = try await place.manifest(try #require(copy.image).descriptor, in: nil)
        let layer = try #require(manifest.blobs.last)
        return (try #require(place.contents[layer.digest]), layer.mediaType)
    }

    private static func inflated(_ bytes: [UInt8]) throws -> [UInt8] {
        let format = CompressionFormat.sniff(bytes)
        guard format != .none else { return bytes }
        return try InflatingSource(BytesSource(bytes), format: format, limit: .standard, name: "test")
            .readAll(limit: 1 << 20, name: "test")
    }

    // MARK: What comes once

    /// Layers are packed on their way, before anybody knows what they are.
    @Test(arguments: [CompressionChoice.keep, .gzipRaw, .gzip, .zstd])
    func layersThatComeOnce(_ choice: CompressionChoice) async throws {
        let base = try Self.raw()
        let stream =
            choice == .gzipRaw ? RawMemoryStream(base, [.init(Self.tar)]) : MemoryStream(base, [.init(Self.tar)])
        let place = MemoryPlace("there")
        let copy = try await ToldCopy(stream, to: place) { $0.compression = choice == .gzipRaw ? nil : choice }
        #expect(stream.runs == 1 && copy.image?.kept == (choice == .keep))
        let (bytes, type) = try await Self.layer(copy, in: place)
        #expect(try Self.inflated(bytes) == Self.tar)
        #expect(CompressionFormat.sniff(bytes) == (choice == .keep ? .none : choice == .zstd ? .zstd : .gzip))
        let suffix = choice == .keep ? "tar" : choice == .zstd ? "zstd" : "gzip"
        #expect(type.rawValue.hasSuffix(suffix), "\(type)")
        #expect(place.tags.count == 1 && place.calls.last == "finish")
    }

    /// A tar that turns out to be no layer: its bytes are stored as they came.
    @Test func aWrongGuessIsUndone() async throws {
        let base = MemoryPlace("stdin")
        let image = try base.image("artifact", layer: base.add(Self.tar, MediaType("application/x-tar")))
        base.name(image, .full(Self.name), in: "app")
        let place = MemoryPlace("there")
        let copy = try await ToldCopy(MemoryStream(base, [.init(Self.tar)]), to: place) { $0.compression = .gzip }
        let (bytes, type) = try await Self.layer(copy, in: place)
        #expect(bytes == Self.tar && type.rawValue == "application/x-tar")
        #expect(place.contents.values.allSatisfy { CompressionFormat.sniff($0) == .none })
    }

    /// A compressed layer that is wanted in another form is packed anew from what was written.
    @Test(arguments: [CompressionChoice.none, .zstd])
    func compressedLayersThatComeOnce(_ choice: CompressionChoice) async throws {
        let gzip = try Self.packed(Self.tar, .gzip)
        let base = try Self.image(gzip, .ociLayerGzip, diffID: Self.tarDigest)
        let place = MemoryPlace("there")
        let copy = try await ToldCopy(MemoryStream(base, [.named(gzip)]), to: place) { $0.compression = choice }
        let (bytes, _) = try await Self.layer(copy, in: place)
        #expect(try Self.inflated(bytes) == Self.tar)
        #expect(CompressionFormat.sniff(bytes) == (choice == .zstd ? .zstd : .none))
        #expect(place.contents[Digest(of: gzip)] == nil)
    }

    /// A layer that is named by SHA-512, while its config names it by SHA-256.
    @Test(arguments: [CompressionChoice.gzip, .zstd]) func layersNamedByAnotherAlgorithm(
        _ choice: CompressionChoice
    ) async throws {
        for diffID in [Self.tarDigest, Digest(of: [1])] {
            let base = MemoryPlace("stdin")
            let layer = Descriptor(
                mediaType: .ociLayer, digest: Digest(of: Self.tar, algorithm: .sha512), size: Int64(Self.tar.count))
            base.name(try base.image("app", layer: layer, diffID: diffID), .full(Self.name), in: "app")
            let place = MemoryPlace("there")
            let stream = MemoryStream(base, [.init(Self.tar, digest: Digest(of: Self.tar, algorithm: .sha512))])
            guard diffID == Self.tarDigest else {
                await #expect { _ = try await ToldCopy(stream, to: place) { $0.compression = choice } } throws: {
                    ($0 as? ImageError)?.code == .damaged
                }
                continue
            }
            let copy = try await ToldCopy(stream, to: place) { $0.compression = choice }
            let (bytes, _) = try await Self.layer(copy, in: place)
            #expect(try Self.inflated(bytes) == Self.tar)
        }
    }

    /// An image with a damaged layer keeps none of what it shares with others.
    @Test func damageIsOneImages() async throws {
        let base = try Self.raw()
        let other = [UInt8](repeating: 3, count: 1024)
        let gzip = try Self.packed(other, .gzip)
        let config =
            #"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["\#(Self.tarDigest)","\#(Self.tarDigest)"]}}"#
        let layers = [base.add(Self.tar, .ociLayer), base.add(gzip, .ociLayerGzip)]
        let manifest = ImageManifest(
            mediaType: .ociManifest, config: base.add(Array(config.utf8), .ociConfig), layers: layers)
        base.name(
            base.add(try Document.encode(manifest), .ociManifest), .full(ImageName(repository: "app", tag: "0")),
            in: "app")
        let place = MemoryPlace("there")
        let copy = try await ToldCopy(MemoryStream(base, [.named(Self.tar), .named(gzip)]), to: place) {
            $0.compression = .zstd
            $0.keepGoing = true
        }
        #expect(copy.report.failures.map(\.name) == ["app:0"])
        #expect(place.tags.keys.map(\.tag) == ["1"])
    }

    /// One tar that is a layer of one image, and something else of another.
    @Test func oneBlobInTwoForms() async throws {
        let base = try Self.raw()
        let image = try base.image("artifact", layer: base.add(Self.tar, MediaType("application/x-tar")))
        base.name(image, .full(ImageName(repository: "app", tag: "2")), in: "app")
        let place = MemoryPlace("there")
        let copy = try await ToldCopy(MemoryStream(base, [.named(Self.tar)]), to: place) { $0.compression = .gzip }
        #expect(copy.report.images.count == 2 && copy.report.failures.isEmpty)
        #expect(place.contents[Self.tarDigest] == Self.tar)
        #expect(place.contents.values.contains { CompressionFormat.sniff($0) == .gzip })
    }

    /// Members that nobody refers to leave nothing behind, and one that comes twice is taken once.
    @Test(arguments: [true, false]) func membersThatNobodyWants(_ isNamed: Bool) async throws {
        let base = try Self.raw()
        let extra = [UInt8](repeating: 9, count: 2048)
        let place = FaultyPlace("there")
        let member = isNamed ? MemoryStream.Member.named(Self.tar) : .init(Self.tar)
        let copy = try await ToldCopy(MemoryStream(base, [.init(extra), member, member]), to: place)
        #expect(copy.image?.kept == true)
        #expect(place.contents[Digest(of: extra)] == nil)
        #expect(place.contents == base.contents && place.openWriters == 0)
    }

    /// A destination that writes one blob after another has to take each as it comes.
    @Test func aDestinationOfOneBlobAtATime() async throws {
        var traits = DestinationTraits()
        traits.blobs = .oneAtATime
        let base = try Self.raw()
        let place = MemoryPlace("pipe", traits: traits)
        _ = try await ToldCopy(MemoryStream(base, [.init(Self.tar)]), to: place)
        #expect(place.calls.first == "blob" && place.contents == base.contents)
    }

    @Test func membersThatAreNotTheirDigests() async throws {
        let base = try Self.raw()
        let other = [UInt8](repeating: 1, count: Self.tar.count)
        for members in [
            [MemoryStream.Member(other, digest: Self.tarDigest)],
            // The second one, which is not written again, is verified as well.
            [.named(Self.tar), .init(other, digest: Self.tarDigest)],
        ] {
            let place = MemoryPlace("there")
            let text = try #require(await ToldCopy.error(MemoryStream(base, members), to: place))
            #expect(
                [Self.tarDigest.description, Digest(of: other).description, "stdin, entry \(members.count - 1)"]
                    .allSatisfy(text.contains))
            #expect(place.contents.isEmpty && place.calls == ["abandon"])
        }
    }

    @Test func sizesOfDescriptorsAreCompared() async throws {
        let base = MemoryPlace("stdin")
        var layer = base.add(Self.tar, .ociLayer)
        layer.size = 7
        base.name(try base.image("app", layer: layer, diffID: Self.tarDigest), .full(Self.name), in: "app")
        let place = MemoryPlace("there")
        let text = try #require(await ToldCopy.error(MemoryStream(base, [.init(Self.tar)]), to: place))
        #expect(text.contains("\(Self.tarDigest)") && text.contains("\(Self.tar.count)") && text.contains(" 7"))
        #expect(place.tags.isEmpty)
    }

    /// In a docker-archive, nothing but the config's diffID vouches for a compressed layer.
    @Test(arguments: ["right", "wrong", "damaged", "bomb"])
    func diffIDsOfLayersThatComeOnce(_ kind: String) async throws {
        var gzip = try Self.packed(Self.tar, .gzip)
        if kind == "damaged" { gzip[gzip.count - 8] ^= 1 }
        let diffID = kind == "wrong" ? Digest(of: [1]) : Self.tarDigest
        let base = try Self.image(gzip, .ociLayerGzip, diffID: diffID)
        let stream = RawMemoryStream(base, [.init(gzip)])
        stream.diffIDs[Digest(of: gzip)] = diffID
        let place = MemoryPlace("there")
        let text = await ToldCopy.error(stream, to: place) {
            if kind == "bomb" { $0.inflation = InflationLimit(ratio: 2, allowance: 1024) }
        }
        switch kind {
        case "right": #expect(text == nil && place.contents == base.contents)
        case "wrong":
            #expect(text?.contains("\(Self.tarDigest)") == true && text?.contains("\(diffID)") == true)
        case "damaged": #expect(text?.contains("stdin, entry 0") == true, "\(text ?? "")")
        default: #expect(text?.contains("decompression bomb") == true, "\(text ?? "")")
        }
        #expect(place.tags.isEmpty == (kind != "right"))
    }

    /// An attachment may begin like something gzipped, and be none: it is copied as it is.
    @Test func attachmentsThatLookCompressed() async throws {
        let bytes = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3] + SeededBytes.noise(3 << 20)
        let base = MemoryPlace("stdin")
        let image = try base.image("attachment", layer: base.add(bytes, MediaType("application/octet-stream")))
        base.name(image, .full(Self.name), in: "app")
        let place = MemoryPlace("there")
        let copy = try await ToldCopy(RawMemoryStream(base, [.named(bytes)]), to: place)
        #expect(copy.image?.kept == true && place.contents == base.contents)
    }

    /// A layer that is packed, and is not what the config says.
    @Test func diffIDsOfPackedLayersThatComeOnce() async throws {
        let base = try Self.image(Self.tar, .ociLayer, diffID: Digest(of: [1]))
        let place = MemoryPlace("there")
        let stream = RawMemoryStream(base, [.init(Self.tar)])
        let copy = try await ToldCopy(stream, to: place)
        // Its bytes are copied all the same, as they are.
        let (bytes, _) = try await Self.layer(copy, in: place)
        #expect(bytes == Self.tar && copy.image?.kept == true)
        #expect(copy.remarks.contains { $0.contains("app:1") && $0.contains("\(Self.tarDigest)") })
    }

    @Test func aDryRunReadsTheStreamAndWritesNothing() async throws {
        let base = try Self.raw()
        let stream = MemoryStream(base, [.named(Self.tar)])
        let place = FaultyPlace("there")
        let copy = try await ToldCopy(stream, to: place) { $0.dryRun = true }
        #expect(stream.runs == 1 && place.calls.isEmpty && place.targets.isEmpty)
        #expect(copy.image?.bytesMoved == Int64(base.contents.values.map(\.count).reduce(0, +)))
    }

    @Test func whatADestinationHasToKnowBeforehand() async throws {
        let base = try Self.raw()
        let registry = MountingPlace("example.com")
        let text = try #require(await ToldCopy.error(MemoryStream(base, [.init(Self.tar)]), to: registry))
        #expect(text.contains("docker://example.com/REPOSITORY"))
        let named = MountingPlace("example.com", requestedName: "mine/app:1")
        #expect(await ToldCopy.error(MemoryStream(base, [.init(Self.tar)]), to: named) == nil)
        #expect(named.tags.keys.map(\.description) == ["mine/app:1"])
        var traits = DestinationTraits()
        traits.blobs = .sizeFirst
        let pipe = MemoryPlace("pipe", traits: traits)
        let packing = RawMemoryStream(base, [.init(Self.tar)])
        let refusal = try #require(await ToldCopy.error(packing, to: pipe))
        #expect(refusal.contains("pipe") && refusal.contains("--compression keep"))
        #expect(packing.runs == 0 && pipe.contents.isEmpty)
        #expect(await ToldCopy.error(packing, to: pipe) { $0.compression = .keep } == nil)
        #expect(pipe.contents == base.contents)
    }

    /// One source of several that fails, and the others.
    @Test(arguments: [true, false]) func aStreamThatFails(_ keepGoing: Bool) async throws {
        let bad = MemoryStream(try Self.raw(), [.init(Self.tar, digest: Digest(of: [1]))])
        let good = MemoryPlace("good")
        good.name(try good.image("good"), .full(ImageName(repository: "good", tag: "1")), in: "good")
        let place = FaultyPlace("there")
        let selections = [CopySelection(source: bad), CopySelection(source: good)]
        if keepGoing {
            let copy = try await ToldCopy(selections, to: place) { $0.keepGoing = true }
            #expect(copy.image?.name.repository == "good" && copy.report.failures.map(\.source) == ["stdin"])
            #expect(place.failures == ["stdin"] && copy.failures.count == 1)
        } else {
            await #expect {
                _ = try await ToldCopy(selections, to: place)
            } throws: { "\($0)".contains("claims") }
            #expect(place.contents.isEmpty)
        }
    }

    /// The bytes are gone: a registry that lost them cannot get them again.
    @Test func lostBlobsOfWhatComesOnce() async throws {
        let base = MemoryPlace("stdin")
        base.name(
            try base.image("app", layer: base.add(Self.tar, .ociLayer), diffID: Self.tarDigest),
            .full(Self.name), in: "app")
        let place = FaultyPlace("there") {
            $0.loss = { _, _ in BlobLost(reason: "there: the upload is unknown") }
        }
        let text = try #require(await ToldCopy.error(MemoryStream(base, [.init(Self.tar)]), to: place))
        #expect(text.hasPrefix("there: the upload is unknown") && text.contains("file first"))
        #expect(place.contents.isEmpty)
    }

    // MARK: What comes in order

    /// Layers of a compressed archive, and a source with two images of them.
    private static func archive(
        _ count: Int, _ change: (inout [MemoryStream.Member]) -> Void = { _ in }
    ) throws -> (base: MemoryPlace, stream: MemoryStream) {
        let base = MemoryPlace("archive")
        var members: [MemoryStream.Member] = []
        for number in 0..<count {
            let tar = Self.tar + [UInt8](repeating: UInt8(number), count: 512)
            let image = try base.image("\(number)", layer: base.add(tar, .ociLayer), diffID: Digest(of: tar))
            base.name(image, .full(ImageName(repository: "app", tag: "\(number)")), in: "app")
            members.append(.named(tar))
        }
        change(&members)
        return (base, MemoryStream(base, members, order: .inOrder))
    }

    @Test func whatIsWantedOfAnArchiveIsTakenInOneRun() async throws {
        let (base, stream) = try Self.archive(5) { $0.reverse() }
        let place = MemoryPlace("there")
        let copy = try await ToldCopy(stream, to: place)
        #expect(stream.runs == 1 && copy.report.images.count == 5 && place.contents == base.contents)
        // The second time, nothing has to be read.
        _ = try await ToldCopy(stream, to: place)
        #expect(stream.runs == 1)
    }

    @Test func oneImageOfAnArchive() async throws {
        let (base, stream) = try Self.archive(5)
        let place = MemoryPlace("there")
        let copy = try await ToldCopy([CopySelection(source: stream, name: "app:3")], to: place)
        #expect(copy.image?.name.tag == "3" && place.contents[copy.image?.descriptor.digest ?? Digest(of: [])] != nil)
        #expect(place.contents.count == 3 && place.contents.count < base.contents.count)
    }

    /// A pipe has to know the size of what is packed: it is packed once to measure it.
    @Test func packedLayersAreMeasuredFirst() async throws {
        var traits = DestinationTraits()
        traits.blobs = .sizeFirst
        let (_, stream) = try Self.archive(2)
        let place = FaultyPlace("pipe", traits: traits)
        let copy = try await ToldCopy(stream, to: place) { $0.compression = .gzip }
        #expect(copy.report.images.count == 2 && stream.runs == 2)
        for target in place.targets {
            let digest = try #require(target.digest)
            #expect(place.contents[digest]?.count == target.size.map { Int($0) })
        }
    }

    /// A layer that a registry has lost is sent again, by itself.
    @Test func lostBlobsOfAnArchive() async throws {
        let (base, stream) = try Self.archive(3)
        let place = FaultyPlace("there") {
            $0.loss = { _, number in number == 0 ? BlobLost(reason: "the upload is unknown") : nil }
        }
        _ = try await ToldCopy(stream, to: place)
        #expect(stream.runs == 1 && place.contents == base.contents)
        #expect(place.targets.count == Set(place.targets).count + 1)
    }

    @Test(arguments: [true, false]) func aDamagedLayerOfAnArchive(_ keepGoing: Bool) async throws {
        let (_, stream) = try Self.archive(3) { members in
            var bytes = members[1].bytes
            bytes[2000] ^= 1
            members[1] = MemoryStream.Member(bytes, digest: members[1].digest)
        }
        let place = MemoryPlace("there")
        if keepGoing {
            let copy = try await ToldCopy(stream, to: place) { $0.keepGoing = true }
            #expect(copy.report.images.map(\.name.tag) == ["0", "2"])
            #expect(copy.report.failures.map(\.name) == ["app:1"])
        } else {
            let text = try #require(await ToldCopy.error(stream, to: place))
            #expect(text.contains("archive: layer sha256:"))
            #expect(place.tags.isEmpty)
        }
    }

    @Test func membersWithoutADigestAreRefused() async throws {
        let (_, stream) = try Self.archive(1) { $0 = $0.map { MemoryStream.Member($0.bytes) } }
        let place = MemoryPlace("there")
        #expect(await ToldCopy.error(stream, to: place)?.contains("archive, entry 0") == true)
        #expect(place.tags.isEmpty)
    }

    /// Layers of an archive that the destination has in another repository are not read.
    @Test func layersThatAreMounted() async throws {
        let (base, stream) = try Self.archive(2)
        let place = FullPlace("there")
        place.others = base.contents
        _ = try await ToldCopy(stream, to: place)
        #expect(stream.runs == 0 && place.contents == base.contents && !place.calls.contains("blob"))
    }

    /// Has every blob in another repository.
    private final class FullPlace: MemoryPlace, MountsBlobs, @unchecked Sendable {
        var others: [Digest: [UInt8]] = [:]

        func mount(
            _ blob: Descriptor, from source: (any ImageSource)?, in origin: String?, into repository: String
        ) async throws -> Bool {
            guard let bytes = others[blob.digest] else { return false }
            add(bytes, blob.mediaType)
            return true
        }
    }
}

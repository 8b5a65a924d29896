import ByteStreams
import ImageModel
import ImageTransfer
import Testing

/// Configs that do not fit, and images that a destination cannot hold as they are.
struct FormTests {
    private static let name = ImageName(repository: "app", tag: "1")

    private static func source(
        _ layers: [(bytes: [UInt8], type: MediaType)], diffIDs: [Digest], config: String? = nil,
        in source: MemoryPlace = MemoryPlace("here")
    ) throws -> MemoryPlace {
        let list = diffIDs.map { #""\#($0)""# }.joined(separator: ",")
        let config =
            config
            ?? #"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[\#(list)]}}"#
        let manifest = ImageManifest(
            mediaType: .ociManifest, config: source.add(Array(config.utf8), .ociConfig),
            layers: layers.map { source.add($0.bytes, $0.type) })
        source.name(source.add(try Document.encode(manifest), .ociManifest), .full(name), in: "app")
        return source
    }

    private static let raw = (bytes: MemoryPlace.emptyTar, type: MediaType.ociLayer)

    // MARK: Configs

    /// Such an image cannot be run, but its bytes can be copied.
    @Test(arguments: [([], "0 diffIDs"), ([Digest(of: [1])], "\(Digest(of: [1]))")])
    func configsThatDoNotFit(_ diffIDs: [Digest], _ problem: String) async throws {
        let source = try Self.source([Self.raw], diffIDs: diffIDs)
        let place = MemoryPlace("there")
        let copy = try await ToldCopy(source, to: place)
        #expect(copy.image?.kept == true && place.contents == source.contents)
        #expect(copy.remarks.count == 1)
        #expect(copy.remarks.first?.contains("app:1 in here") == true, "\(copy.remarks)")
        #expect(copy.remarks.first?.contains(problem) == true)
        // What has to be packed needs a config that tells what it is.
        let text = try #require(
            await ToldCopy.error(source, to: MemoryPlace("elsewhere")) { $0.compression = .gzip })
        #expect(text.contains(problem) && text.contains("--compression keep"))
    }

    /// Two layers that are one blob cannot have two diffIDs.
    @Test func configsThatContradictThemselves() async throws {
        let layer = (bytes: MemoryPlace.emptyLayer, type: MediaType.ociLayerGzip)
        let source = try Self.source([layer, layer], diffIDs: [MemoryPlace.emptyDiffID, Digest(of: [1])])
        let copy = try await ToldCopy(source, to: MemoryPlace("there"))
        #expect(copy.remarks.count == 1 && copy.remarks.first?.contains("\(Digest(of: [1]))") == true)
        let twice = try Self.source([layer, layer], diffIDs: [MemoryPlace.emptyDiffID, MemoryPlace.emptyDiffID])
        #expect(try await ToldCopy(twice, to: MemoryPlace("there")).remarks.isEmpty)
    }

    @Test func configsThatAreNotJSON() async throws {
        let source = try Self.source([Self.raw], diffIDs: [], config: "not JSON")
        let place = MemoryPlace("there")
        let copy = try await ToldCopy(source, to: place)
        #expect(copy.image?.kept == true && place.contents == source.contents)
        #expect(copy.remarks.count == 1 && copy.remarks.first?.contains("config sha256:") == true)
    }

    /// A gzipped layer that is to become zstd, and holds another tar than the config says.
    @Test(arguments: [CompressionChoice.zstd, .none])
    func packedLayersThatAreNotTheirDiffIDs(_ choice: CompressionChoice) async throws {
        let source = try Self.source(
            [(MemoryPlace.emptyLayer, .ociLayerGzip)], diffIDs: [Digest(of: [1])])
        let place = MemoryPlace("there")
        let text = try #require(await ToldCopy.error(source, to: place) { $0.compression = choice })
        #expect(text.contains("\(Digest(of: MemoryPlace.emptyLayer)), inflated,"), "\(text)")
        #expect(text.contains("\(MemoryPlace.emptyDiffID)"))
        #expect(place.contents.isEmpty && place.tags.isEmpty)
    }

    /// What inflates without end is stopped.
    @Test func layersThatInflateTooFar() async throws {
        let zeros = [UInt8](repeating: 0, count: 1 << 20)
        let bomb = try GzipCompressor(BytesSource(zeros), level: 9).readAll(limit: 1 << 20, name: "test")
        let source = try Self.source([(bomb, .ociLayerGzip)], diffIDs: [Digest(of: zeros)])
        let place = MemoryPlace("there")
        let text = try #require(
            await ToldCopy.error(source, to: place) {
                $0.compression = CompressionChoice.none
                $0.inflation = InflationLimit(ratio: 10, allowance: 1000)
            })
        #expect(text.contains("decompression bomb") && text.contains("\(Digest(of: bomb))"))
        #expect(place.contents.isEmpty)
        #expect(await ToldCopy.error(source, to: place) { $0.compression = CompressionChoice.none } == nil)
    }

    /// Where nothing but a diffID vouches for a layer that stays compressed, it is inflated on the side.
    @Test(arguments: [true, false]) func layersWhoseDigestsWereComputed(_ isRight: Bool) async throws {
        let source = RawPlace("here")
        _ = try Self.source(
            [(MemoryPlace.emptyLayer, .ociLayerGzip)], diffIDs: [MemoryPlace.emptyDiffID], in: source)
        let layer = Digest(of: MemoryPlace.emptyLayer)
        source.diffIDs[layer] = isRight ? MemoryPlace.emptyDiffID : Digest(of: [1])
        let place = MemoryPlace("there")
        let text = await ToldCopy.error(source, to: place)
        #expect((text == nil) == isRight)
        if let text { #expect(text.contains("here: layer \(layer)") && text.contains("damaged")) }
        #expect((place.contents == source.contents) == isRight)
    }

    // MARK: What docker can load

    private static func loadable(_ source: MemoryPlace) async throws -> [String] {
        var traits = DestinationTraits()
        traits.hasDockerPart = true
        return try await ToldCopy(source, to: MemoryPlace("there", traits: traits)).remarks
    }

    @Test func imagesThatDockerCannotLoad() async throws {
        let zstd = try ZstdCompressor(BytesSource(MemoryPlace.emptyTar)).readAll(limit: 1 << 20, name: "test")
        let packed = try Self.source([(zstd, .ociLayerZstd)], diffIDs: [MemoryPlace.emptyDiffID])
        #expect(try await Self.loadable(packed).map { $0.contains("zstd layers") } == [true])
        let misfit = try Self.source([Self.raw], diffIDs: [])
        #expect(try await Self.loadable(misfit).contains { $0.contains("docker load") && $0.contains("0 diffIDs") })
        let chart = MemoryPlace("here")
        let manifest = ImageManifest(
            mediaType: .ociManifest,
            config: chart.add(Array("{}".utf8), MediaType("application/vnd.cncf.helm.config.v1+json")),
            layers: [chart.add([1, 2, 3], MediaType("application/vnd.cncf.helm.chart.content.v1.tar+gzip"))])
        chart.name(chart.add(try Document.encode(manifest), .ociManifest), .full(Self.name), in: "app")
        #expect(try await Self.loadable(chart).map { $0.contains("not a container image") } == [true])
        let fine = try Self.source([Self.raw], diffIDs: [MemoryPlace.emptyDiffID])
        #expect(try await Self.loadable(fine).isEmpty)
    }

    /// Foreign layers stay where their URLs say, which docker cannot load from an archive.
    @Test func foreignLayers() async throws {
        let source = MemoryPlace("here")
        var layer = Descriptor(mediaType: .ociForeignLayerGzip, digest: Digest(of: [1]), size: 1)
        layer.urls = ["https://example.com/layer"]
        source.name(try source.image("windows", layer: layer), .full(Self.name), in: "app")
        let place = MemoryPlace("there")
        let copy = try await ToldCopy(source, to: place)
        #expect(copy.remarks.count == 1 && copy.remarks.first?.contains("1 foreign layer") == true)
        #expect(place.contents[Digest(of: [1])] == nil && copy.image?.kept == true)
        #expect(try await Self.loadable(source).first?.contains("only at their URLs") == true)
    }

    // MARK: What a destination cannot hold

    private static let schema1 = #"""
        {"schemaVersion":1,"name":"app","tag":"1","architecture":"amd64","fsLayers":[{"blobSum":"\#(Digest(of: MemoryPlace.emptyLayer))"}],
         "history":[{"v1Compatibility":"{}"}]}
        """#

    @Test func schema1ManifestsAreForStores() async throws {
        let source = MemoryPlace("here")
        source.add(MemoryPlace.emptyLayer, .dockerLayerGzip)
        source.name(source.add(Array(Self.schema1.utf8), .dockerSchema1), .full(Self.name), in: "app")
        let text = try #require(await ToldCopy.error(source, to: MemoryPlace("there")))
        #expect(text.contains("app:1") && text.contains("schema1") && text.contains("store:"))
        var traits = DestinationTraits()
        traits.holdsSchema1 = true
        let place = MemoryPlace("there", traits: traits)
        let copy = try await ToldCopy(source, to: place)
        #expect(copy.image?.kept == true && place.contents == source.contents)
    }

    @Test func digestsOfSHA512AreNotExchanged() async throws {
        let base = try Self.source([Self.raw], diffIDs: [MemoryPlace.emptyDiffID])
        let bytes = try #require(base.contents[base.images[0].descriptor.digest])
        let digest = Digest(of: bytes, algorithm: .sha512)
        let source = Long(base: base, digest: digest, bytes: bytes)
        var traits = DestinationTraits()
        traits.keepsSHA512 = false
        let text = try #require(await ToldCopy.error(source, to: MemoryPlace("there", traits: traits)))
        #expect(text.contains("app:1 in here") && text.contains("SHA-512") && text.contains("oci: layout"))
        #expect(try await ToldCopy(source, to: MemoryPlace("there")).image?.descriptor.digest == digest)
    }

    /// Its only image goes by SHA-512.
    private struct Long: ImageSource {
        let base: MemoryPlace
        let digest: Digest
        let bytes: [UInt8]
        var title: String { base.title }
        var madeUpRepository: String { base.madeUpRepository }

        func listing() async throws -> SourceListing {
            let descriptor = Descriptor(mediaType: .ociManifest, digest: digest, size: Int64(bytes.count))
            return SourceListing(images: [SourceImage(name: .full(FormTests.name), descriptor: descriptor)])
        }
        func manifest(_ descriptor: Descriptor, in repository: String?) async throws -> Manifest {
            try Manifest(bytes, mediaType: .ociManifest, algorithm: .sha512, name: title)
        }
        func blob(_ descriptor: Descriptor, in repository: String?) async throws -> any ByteSource {
            try await base.blob(descriptor, in: repository)
        }
        func referrers(of digest: Digest, in repository: String?) async throws -> [Descriptor] { [] }
    }

    /// Destinations where raw layers are at home keep them.
    @Test func rawLayersWhereTheyAreAtHome() async throws {
        let source = try Self.source([Self.raw], diffIDs: [MemoryPlace.emptyDiffID], in: RawPlace("here"))
        var traits = DestinationTraits()
        traits.keepsRawLayers = true
        #expect(try await ToldCopy(source, to: MemoryPlace("there", traits: traits)).image?.kept == true)
        #expect(try await ToldCopy(source, to: MemoryPlace("there")).image?.kept == false)
        let text = try #require(await ToldCopy.error(source, to: MemoryPlace("there")) { $0.strict = true })
        #expect(text.contains("--strict") && text.contains("--compression keep"))
    }
}

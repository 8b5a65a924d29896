import ByteStreams
import ImageModel
import ImageTransfer
import Synchronization
import Testing

/// Blobs that have to be sent again, manifests in another format, and copies that are stopped.
struct ResendTests {
    private static let name = ImageName(repository: "app", tag: "1")
    private static let tar = MemoryPlace.emptyTar + [UInt8](repeating: 7, count: 5120)

    private static func source() throws -> MemoryPlace {
        let source = MemoryPlace("here")
        let image = try source.image("app", layer: source.add(tar, .ociLayer), diffID: Digest(of: tar))
        source.name(image, .full(name), in: "app")
        return source
    }

    /// An image in docker's format with a raw layer, as `docker save` makes it.
    private static func dockerSource() throws -> RawPlace {
        let place = RawPlace("here")
        let config =
            #"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["\#(Digest(of: tar))"]}}"#
        let manifest = ImageManifest(
            mediaType: .dockerManifest, config: place.add(Array(config.utf8), .dockerConfig),
            layers: [place.add(tar, .dockerLayer)])
        place.name(place.add(try Document.encode(manifest), .dockerManifest), .full(name), in: "app")
        return place
    }

    @Test func lostBlobsAreSentAgain() async throws {
        let source = try Self.source()
        let loss = BlobLost(reason: "the upload is unknown")
        let place = FaultyPlace("there") { $0.loss = { _, number in number < 2 ? loss : nil } }
        let copy = try await ToldCopy(source, to: place) { $0.jobs = 1 }
        #expect(copy.image?.kept == true && place.contents == source.contents)
        // Two blobs, and two more tries, with the same digest and size.
        #expect(place.targets.count == 4 && Set(place.targets).count == 2)
    }

    /// Some registries take a blob in one piece only, with its digest: what is packed is measured for that.
    @Test func lostBlobsWithTheirDigest() async throws {
        let source = try Self.source()
        let loss = BlobLost(reason: "the upload is unknown", needsDigest: true)
        let place = FaultyPlace("there") { $0.loss = { target, _ in target.digest == nil ? loss : nil } }
        let copy = try await ToldCopy(source, to: place) {
            $0.jobs = 1
            $0.compression = .gzip
        }
        #expect(copy.image?.kept == false)
        let layers = place.targets.filter { $0.source == Digest(of: Self.tar) }
        try #require(layers.count == 2)
        #expect(layers[0].digest == nil && layers[0].size == nil)
        let digest = try #require(layers[1].digest)
        #expect(layers[1].size == place.contents[digest].map { Int64($0.count) })
    }

    @Test func otherErrorsAreNotTriedAgain() async throws {
        let place = FaultyPlace("full") { $0.loss = { _, _ in ImageError.refused("full: no room") } }
        let text = await ToldCopy.error(try Self.source(), to: place) { $0.jobs = 1 }
        #expect(text == "full: no room" && place.targets.count == 1)
        #expect(place.tags.isEmpty && place.contents.isEmpty && place.openWriters == 0)
    }

    /// A pipe has to know the size of a packed layer before its first byte.
    @Test(arguments: [CompressionChoice.gzip, .zstd])
    func packedLayersAreMeasuredForAPipe(_ choice: CompressionChoice) async throws {
        var traits = DestinationTraits()
        traits.blobs = .sizeFirst
        let place = FaultyPlace("pipe", traits: traits)
        _ = try await ToldCopy(try Self.source(), to: place) { $0.compression = choice }
        #expect(place.targets.count == 2)
        for target in place.targets {
            let digest = try #require(target.digest)
            #expect(target.size != nil && target.size == place.contents[digest].map { Int64($0.count) })
        }
    }

    // MARK: Manifests in another format

    /// Some registries accept OCI manifests only. The manifest is dray's own, since the layer is packed.
    @Test(arguments: [true, false]) func manifestsBecomeOCIIfDockersAreRefused(_ isKnown: Bool) async throws {
        let source = try Self.dockerSource()
        let place = FaultyPlace("there") {
            $0.refusedFormats = [.docker]
            $0.knowsRefusals = isKnown
        }
        let copy = try await ToldCopy(source, to: place)
        let root = try #require(copy.image).descriptor
        #expect(root.mediaType == .ociManifest && place.tags[Self.name] == root.digest)
        let text = String(decoding: place.contents[root.digest] ?? [], as: UTF8.self)
        #expect(!text.contains("vnd.docker"))
        #expect(copy.remarks.count == (isKnown ? 0 : 1))
        #expect(copy.remarks.allSatisfy { $0.contains("there") && $0.contains("app:1") && $0.contains("OCI") })
        // Where schema2 is accepted, that is what comes there.
        let docker = try await ToldCopy(source, to: MemoryPlace("there"))
        #expect(docker.image?.descriptor.mediaType == .dockerManifest && docker.remarks.isEmpty)
    }

    /// A digest that was promised is not changed without asking.
    @Test(arguments: ["keep", "docker"]) func manifestsThatMustNotChange(_ reason: String) async throws {
        let place = FaultyPlace("there") {
            $0.refusedFormats = [.docker]
            $0.knowsRefusals = true
        }
        let text = try #require(
            await ToldCopy.error(try Self.dockerSource(), to: place) {
                if reason == "keep" { $0.compression = .keep } else { $0.format = .docker }
            })
        #expect(text.hasPrefix("there: manifest invalid; ") && text.contains("--format oci"))
        #expect(place.tags.isEmpty && place.calls.last == "abandon")
    }

    @Test func refusedOCIManifestsAreAnError() async throws {
        let place = FaultyPlace("there") { $0.refusedFormats = [.oci] }
        #expect(await ToldCopy.error(try Self.source(), to: place) == "there: manifest invalid")
    }

    // MARK: Stopping

    /// A copy that is cancelled ends soon, and leaves no image behind.
    @Test(arguments: [true, false]) func cancelledCopies(_ keepGoing: Bool) async throws {
        let source = MemoryPlace("here")
        for number in 0..<8 {
            let tar = [UInt8](repeating: UInt8(number), count: 4 << 20)
            let image = try source.image("\(number)", layer: source.add(tar, .ociLayer), diffID: Digest(of: tar))
            source.name(image, .full(ImageName(repository: "app", tag: "\(number)")), in: "app")
        }
        let running = Mutex<Task<ToldCopy, any Error>?>(nil)
        let place = FaultyPlace("there") { behaviour in
            behaviour.onWrite = { running.withLock { $0?.cancel() } }
        }
        let copy = Task {
            try await ToldCopy(source, to: place) {
                $0.keepGoing = keepGoing
                $0.jobs = 2
            }
        }
        running.withLock { $0 = copy }
        await #expect(throws: CancellationError.self) { _ = try await copy.value }
        #expect(place.tags.count < 8 && place.calls.last == "abandon")
    }
}

import ByteStreams
import ImageModel
import ImageTransfer
import Synchronization
import Testing

/// Blobs on their way: each once, verified, and without a name before all of their image is there.
struct MoveTests {
    private static func copy(
        _ source: MemoryPlace, to place: MemoryPlace, _ change: (inout CopyOptions) -> Void = { _ in }
    ) async throws -> CopyReport {
        var options = CopyOptions()
        change(&options)
        return try await Copier(options: options).copy([CopySelection(source: source)], to: place)
    }

    /// Images in repositories of their own that share their layer and their config.
    private static func images(_ count: Int) throws -> MemoryPlace {
        let source = MemoryPlace("here")
        for number in 0..<count {
            let repository = "app\(number)"
            source.name(
                try source.image("\(number)"), .full(ImageName(repository: repository, tag: "1")), in: repository)
        }
        return source
    }

    @Test(arguments: [true, false]) func whatImagesShareIsMovedOnce(_ sharesBlobs: Bool) async throws {
        var traits = DestinationTraits()
        traits.ordersImages = false
        let place = sharesBlobs ? MemoryPlace("there", traits: traits) : MountingPlace("there", traits: traits)
        let report = try await Self.copy(try Self.images(20), to: place) { $0.jobs = 8 }
        #expect(report.images.count == 20 && place.tags.count == 20)
        #expect(place.calls.count { $0 == "blob" } == 2)
        // Where each repository has its own, the others take it over.
        #expect(place.calls.count { $0.hasPrefix("mount") } == (sharesBlobs ? 0 : 2 * 19))
        let skipped = Int64(19) * (report.images.first?.bytesMoved ?? 0)
        #expect(report.bytesSkipped > 0 && report.bytesSkipped < skipped)
    }

    @Test(arguments: [1, 2, 5]) func noMoreMoveAtOnceThanAreAllowed(_ jobs: Int) async throws {
        let source = MemoryPlace("here")
        for number in 0..<12 {
            let tar = MemoryPlace.emptyTar + [UInt8](repeating: UInt8(number), count: 512)
            let image = try source.image("\(number)", layer: source.add(tar, .ociLayer), diffID: Digest(of: tar))
            source.name(image, .full(ImageName(repository: "app", tag: "\(number)")), in: "app")
        }
        var traits = DestinationTraits()
        traits.ordersImages = false
        let place = MemoryPlace("there", traits: traits)
        _ = try await Self.copy(source, to: place) { $0.jobs = jobs }
        #expect(place.mostWriters <= jobs && place.tags.count == 12)
    }

    @Test func bytesThatAreNotTheirDigestsAreRefused() async throws {
        let source = MemoryPlace("here")
        let image = try source.image(
            "a",
            layer: Descriptor(
                mediaType: .ociLayer, digest: Digest(of: MemoryPlace.emptyTar), size: 1024))
        source.name(image, .full(ImageName(repository: "app", tag: "1")), in: "app")
        // Under the layer's digest lies something else of its size.
        let liar = Liar(base: source, digest: Digest(of: MemoryPlace.emptyTar))
        let place = MemoryPlace("there")
        await #expect {
            _ = try await Copier().copy([CopySelection(source: liar)], to: place)
        } throws: { "\($0)".contains("\(Digest(of: MemoryPlace.emptyTar))") }
        #expect(place.contents.isEmpty && place.tags.isEmpty && place.calls.last == "abandon")
    }

    /// Gives other bytes for one blob.
    private struct Liar: ImageSource {
        let base: MemoryPlace
        let digest: Digest
        var title: String { base.title }
        var madeUpRepository: String { base.madeUpRepository }

        func listing() async throws -> SourceListing { try await base.listing() }
        func manifest(_ descriptor: Descriptor, in repository: String?) async throws -> Manifest {
            try await base.manifest(descriptor, in: repository)
        }
        func blob(_ descriptor: Descriptor, in repository: String?) async throws -> any ByteSource {
            guard descriptor.digest == digest else { return try await base.blob(descriptor, in: repository) }
            return BytesSource([UInt8](repeating: 1, count: Int(descriptor.size)))
        }
        func referrers(of digest: Digest, in repository: String?) async throws -> [Descriptor] { [] }
    }

    /// What has arrived is of use to the next copy where a service failed, and not where something is damaged.
    @Test(arguments: [ImageError.Code.service, .unauthorised, .damaged, .system(28)])
    func arrivedBlobsOfAFailedImage(_ code: ImageError.Code) async throws {
        let source = MemoryPlace("here")
        let tars = (0..<2).map { MemoryPlace.emptyTar + [UInt8](repeating: UInt8($0), count: 512) }
        let diffIDs = tars.map { #""\#(Digest(of: $0))""# }.joined(separator: ",")
        let config =
            #"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[\#(diffIDs)]}}"#
        let manifest = ImageManifest(
            mediaType: .ociManifest, config: source.add(Array(config.utf8), .ociConfig),
            layers: tars.map { source.add($0, .ociLayer) })
        source.name(
            source.add(try Document.encode(manifest), .ociManifest), .full(ImageName(repository: "app", tag: "1")),
            in: "app")
        let last = Digest(of: tars[1])
        let place = MemoryPlace("there") { target in
            if target.digest == last { throw ImageError(code, "refused by the test") }
        }
        await #expect(throws: ImageError.self) { _ = try await Self.copy(source, to: place) { $0.jobs = 1 } }
        let isOfUse = code == .service || code == .unauthorised
        #expect((place.contents[Digest(of: tars[0])] != nil) == isOfUse)
        #expect(place.tags.isEmpty && place.calls.last == "abandon")
    }

    /// One image that cannot be written leaves the others alone.
    @Test(arguments: [false, true]) func aFailureIsOneImages(_ keepGoing: Bool) async throws {
        struct Full: Error {}
        let source = MemoryPlace("here")
        for number in 0..<4 {
            let tar = MemoryPlace.emptyTar + [UInt8](repeating: UInt8(number), count: 512)
            let image = try source.image("\(number)", layer: source.add(tar, .ociLayer), diffID: Digest(of: tar))
            source.name(image, .full(ImageName(repository: "app", tag: "\(number)")), in: "app")
        }
        let bad = Digest(of: MemoryPlace.emptyTar + [UInt8](repeating: 2, count: 512))
        let place = MemoryPlace("there") { target in if target.digest == bad { throw Full() } }
        if keepGoing {
            let report = try await Self.copy(source, to: place) { $0.keepGoing = true }
            #expect(report.failures.map(\.name) == ["app:2"])
            #expect(Set(place.tags.keys.map(\.tag)) == ["0", "1", "3"])
        } else {
            await #expect(throws: Full.self) { _ = try await Self.copy(source, to: place) }
            #expect(place.tags[ImageName(repository: "app", tag: "2")] == nil && place.calls.last == "abandon")
        }
    }

    @Test func childrenComeFirstAndNamesLast() async throws {
        let source = MemoryPlace("here")
        let children = try ["amd64", "arm64"].map { try source.image("app", architecture: $0) }
        let index = try source.index(children, note: "app")
        source.name(index, .full(ImageName(repository: "app", tag: "1")), in: "app")
        _ = try source.image("signature", subject: index)
        let place = MemoryPlace("there")
        // `put` refuses what comes before its parts.
        _ = try await Self.copy(source, to: place)
        let calls = place.calls
        #expect(calls.first == "begin 1" && calls.last == "finish")
        #expect(calls.suffix(2).first == "tag app:1")
        #expect(calls.count { $0 == "manifest" } == 4)
    }

    /// What was packed once is known again by its diffID.
    @Test func packedLayersAreRemembered() async throws {
        let directory = try Workplace()
        let source = MemoryPlace("here")
        let tar = MemoryPlace.emptyTar + [UInt8](repeating: 7, count: 5120)
        for tag in ["1", "2"] {
            let image = try source.image(tag, layer: source.add(tar, .ociLayer), diffID: Digest(of: tar))
            source.name(image, .full(ImageName(repository: "app", tag: tag)), in: "app")
        }
        let place = MemoryPlace("there", layerMemory: LayerMemory(place: directory.path))
        func copy(_ tag: String) async throws -> CopyReport {
            var options = CopyOptions()
            options.compression = .parse("gzip")?.choice
            return try await Copier(options: options).copy(
                [CopySelection(source: source, name: "app:\(tag)")], to: place)
        }
        let first = try #require(try await copy("1").images.first)
        let blobs = place.calls.count { $0 == "blob" }
        // Another process: the memory is read from its file.
        let second = try #require(try await copy("2").images.first)
        #expect(!first.kept && !second.kept)
        #expect(place.calls.count { $0 == "blob" } == blobs, "\(place.calls)")
        let other = LayerMemory(place: directory.path)
        #expect(other.layers(of: Digest(of: tar), .gzip).count == 1)
        #expect(other.layers(of: Digest(of: tar), .zstd).isEmpty)
    }
}

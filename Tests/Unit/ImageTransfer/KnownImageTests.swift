import ImageModel
import ImageTransfer
import Testing

/// Images that a registry has already, found without reading them.
struct KnownImageTests {
    private static let name = ImageName(repository: "app", tag: "1")

    private static func source() throws -> RemotePlace {
        let source = RemotePlace("registry")
        let children = try ["amd64", "arm64"].map { try source.image("app", architecture: $0) }
        let index = try source.index(children, note: "app")
        // Two tags of one image.
        for tag in ["1", "latest"] { source.name(index, .full(ImageName(repository: "app", tag: tag)), in: "app") }
        return source
    }

    @Test func imagesThatAreThereAreNotRead() async throws {
        let source = try Self.source()
        let place = RegistryPlace("there")
        _ = try await ToldCopy(source, to: place)
        let (reads, calls) = (source.manifestsRead, place.calls.count)
        let copy = try await ToldCopy(source, to: place)
        #expect(source.manifestsRead == reads)
        #expect(copy.report.images.map(\.result) == ["present", "present"] && copy.report.bytesMoved == 0)
        let size = Int64(source.contents.values.map(\.count).reduce(0, +))
        #expect(copy.report.images.map(\.bytesSkipped) == [size, size])
        #expect(place.calls[calls...] == ["keep app:1", "keep app:latest", "finish"])
    }

    /// A dry run tells the same, and changes nothing.
    @Test func dryRunsOfImagesThatAreThere() async throws {
        let source = try Self.source()
        let place = RegistryPlace("there")
        _ = try await ToldCopy(source, to: place)
        let calls = place.calls
        let copy = try await ToldCopy(source, to: place) { $0.dryRun = true }
        #expect(copy.report.images.map(\.result) == ["present", "present"] && place.calls == calls)
    }

    /// A signature that came later is copied, though the image is there.
    @Test func newReferrersOfImagesThatAreThere() async throws {
        let source = try Self.source()
        let place = RegistryPlace("there")
        _ = try await ToldCopy(source, to: place)
        let signature = try source.image("signature", subject: source.images[0].descriptor)
        _ = try await ToldCopy(source, to: place)
        #expect(place.contents[signature.digest] == source.contents[signature.digest])
        // Once it is there, nothing is read any more.
        let reads = source.manifestsRead
        let copy = try await ToldCopy(source, to: place)
        #expect(source.manifestsRead == reads && copy.report.bytesMoved == 0)
        #expect(copy.report.images.map(\.result) == ["present", "present"])
    }

    /// A tag that means something else is a reason to look.
    @Test func tagsThatHaveMovedOn() async throws {
        let source = try Self.source()
        let place = RegistryPlace("there")
        _ = try await ToldCopy(source, to: place)
        let new = try source.image("new")
        source.name(new, .full(ImageName(repository: "app", tag: "2")), in: "app")
        let selection = CopySelection(source: source, name: "app:2", requestedName: "app:1")
        let copy = try await ToldCopy([selection], to: place)
        #expect(copy.image?.result == "copied" && place.tags[Self.name] == new.digest)
        #expect(copy.image?.replacedDigest == source.images[0].descriptor.digest)
    }

    /// An image from a file is planned, and then found by its name: its blobs are not looked for.
    @Test func imagesOfFilesAreFoundByTheirNames() async throws {
        let source = MemoryPlace("file")
        source.name(try source.image("app"), .full(Self.name), in: "app")
        let place = RegistryPlace("there")
        _ = try await ToldCopy(source, to: place)
        let looks = place.looks
        let copy = try await ToldCopy(source, to: place)
        #expect(copy.image?.result == "present" && copy.image?.bytesSkipped ?? 0 > 0)
        #expect(place.looks == looks)
    }

    /// Blobs that another repository of the registry has are mounted, and not sent.
    @Test func blobsOfOtherRepositoriesAreMounted() async throws {
        let source = MemoryPlace("file")
        source.name(try source.image("app"), .full(Self.name), in: "app")
        let place = RegistryPlace("there")
        _ = try await ToldCopy(source, to: place)
        let blobs = place.calls.count { $0 == "blob" }
        let selection = CopySelection(source: source, requestedName: "other/app:1")
        _ = try await ToldCopy([selection], to: place)
        #expect(place.calls.count { $0 == "blob" } == blobs && place.mounts == 2)
        #expect(place.tags[ImageName(repository: "other/app", tag: "1")] != nil)
    }
}

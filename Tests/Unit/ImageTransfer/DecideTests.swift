import ImageModel
import ImageTransfer
import Testing

/// What has to be moved, and what is there: decided for all images before anything is written.
struct DecideTests {
    private static let name = ImageName(repository: "app", tag: "1")

    private static func source(_ note: String = "a") throws -> (place: MemoryPlace, image: Descriptor) {
        let place = MemoryPlace("here")
        let image = try place.image(note)
        place.name(image, .full(name), in: name.repository)
        return (place, image)
    }

    private static func copy(
        _ source: MemoryPlace, to place: MemoryPlace, _ change: (inout CopyOptions) -> Void = { _ in }
    ) async throws -> CopyReport {
        var options = CopyOptions()
        options.names.onExisting = "--on-existing"
        change(&options)
        return try await Copier(options: options).copy([CopySelection(source: source)], to: place)
    }

    @Test func whatIsThereIsNotMovedAgain() async throws {
        let (source, image) = try Self.source()
        let place = MemoryPlace("there")
        let first = try await Self.copy(source, to: place)
        #expect(first.images.first?.isNewTag == true && first.images.first?.result == "copied")
        let calls = place.calls
        let second = try await Self.copy(source, to: place)
        let entry = try #require(second.images.first)
        #expect(entry.result == "present" && entry.bytesMoved == 0 && entry.bytesSkipped > 0)
        #expect(entry.descriptor.digest == image.digest)
        #expect(!place.calls.dropFirst(calls.count).contains("blob"))
        // Of another image with the same layer and config, the manifest alone.
        let (other, _) = try Self.source("b")
        let third = try await Self.copy(other, to: place)
        #expect(third.images.first?.replacedDigest == image.digest)
        #expect(place.calls.count { $0 == "blob" } == calls.count { $0 == "blob" })
    }

    @Test(arguments: [CopyOptions.OnExisting.error, .skip, .overwrite])
    func aTagThatMeansSomethingElse(_ action: CopyOptions.OnExisting) async throws {
        let place = MemoryPlace("there")
        let (old, oldImage) = try Self.source("old")
        _ = try await Self.copy(old, to: place)
        let (new, newImage) = try Self.source("new")
        if action == .error {
            await #expect {
                _ = try await Self.copy(new, to: place) { $0.onExisting = action }
            } throws: { "\($0)".contains("there has a app:1 already") && "\($0)".contains("--on-existing") }
            #expect(place.tags[Self.name] == oldImage.digest)
            return
        }
        let report = try await Self.copy(new, to: place) { $0.onExisting = action }
        #expect(place.tags[Self.name] == (action == .skip ? oldImage.digest : newImage.digest))
        let entry = try #require(report.images.first)
        #expect(entry.result == (action == .skip ? "skipped" : "copied") && entry.replacedDigest == oldImage.digest)
        // What the tag means already is no reason to refuse.
        let again = try await Self.copy(new, to: place) { $0.onExisting = action == .skip ? .skip : .error }
        #expect(again.failures.isEmpty)
    }

    @Test func aDryRunTellsTheBytesAndWritesNothing() async throws {
        let (source, image) = try Self.source()
        let place = MemoryPlace("there")
        let dry = try await Self.copy(source, to: place) { $0.dryRun = true }
        #expect(place.contents.isEmpty && place.calls.isEmpty && dry.isDryRun)
        let wet = try await Self.copy(source, to: place)
        #expect(dry.images.map(\.bytesMoved) == wet.images.map(\.bytesMoved) && dry.bytesMoved > 0)
        #expect(dry.images.first?.descriptor.digest == image.digest)
        let over = try await Self.copy(source, to: place) { $0.dryRun = true }
        #expect(over.bytesMoved == 0 && over.bytesSkipped == wet.bytesMoved - image.size)
    }

    /// A blob that neither side has: all of it is said, and nothing is written.
    @Test(arguments: [false, true]) func blobsThatAreMissingEverywhere(_ keepGoing: Bool) async throws {
        let (source, _) = try Self.source()
        let whole = source.contents
        let layer = Digest(of: MemoryPlace.emptyLayer)
        source.remove(layer)
        let place = MemoryPlace("there")
        if keepGoing {
            let report = try await Self.copy(source, to: place) { $0.keepGoing = true }
            #expect(report.images.isEmpty && report.failures.count == 1)
            #expect(report.failures.first.map { "\($0.error)".contains("\(layer)") } == true)
        } else {
            await #expect {
                _ = try await Self.copy(source, to: place)
            } throws: { "\($0)".contains("\(layer)") && "\($0)".contains("here does not hold it") }
            #expect(place.contents.isEmpty)
        }
        #expect(place.tags.isEmpty)
        // Where the destination has it, nothing is missing.
        place.add(try #require(whole[layer]), .ociLayerGzip)
        #expect(try await Self.copy(source, to: place).images.count == 1)
    }

    @Test func aBaseHasWhatTheSourceLacks() async throws {
        let (base, _) = try Self.source("base")
        let (delta, image) = try Self.source("delta")
        delta.remove(Digest(of: MemoryPlace.emptyLayer))
        let place = MemoryPlace("there")
        let basis = try await BlobBase(base, try await base.listing())
        let report = try await Self.copy(delta, to: place) { $0.bases = [basis] }
        #expect(report.images.map(\.descriptor.digest) == [image.digest])
        #expect(place.contents[Digest(of: MemoryPlace.emptyLayer)] == MemoryPlace.emptyLayer)
    }
}

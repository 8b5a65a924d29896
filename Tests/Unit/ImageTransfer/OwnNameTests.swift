import ImageModel
import ImageTransfer
import Testing

/// Names of images whose source gives none, or less than a whole one, and names that are asked for.
struct OwnNameTests {
    private static func names(
        _ source: MemoryPlace, to place: MemoryPlace = MemoryPlace("there"),
        _ change: (inout CopyOptions) -> Void = { _ in }
    ) async throws -> [String] {
        try await ToldCopy(source, to: place, change).report.images.map {
            $0.name.tag == nil ? "\($0.name)@" : "\($0.name)"
        }
    }

    /// The file's name is the repository; the only image is `latest`.
    @Test func imagesWithoutNames() async throws {
        let one = MemoryPlace("one")
        one.name(try one.image("a"), .none)
        let copy = try await ToldCopy(one, to: MemoryPlace("there"))
        #expect(copy.image?.name.description == "file:latest")
        #expect(copy.remarks.count == 1 && copy.remarks.first?.contains("file:latest") == true, "\(copy.remarks)")
        let two = MemoryPlace("two")
        let images = try ["a", "b"].map { try two.image($0) }
        for image in images { two.name(image, .none) }
        let names = try await Self.names(two)
        #expect(names.count == 2 && Set(names).count == 2)
        for (name, image) in zip(names, images) {
            #expect(name.hasPrefix("file:") && name.contains(image.digest.hex.prefix(12)), "\(name)")
        }
    }

    /// Beside images that have names, one without goes by its digest.
    @Test func imagesWithoutNamesBesideOthers() async throws {
        let source = MemoryPlace("here")
        source.name(try source.image("a"), .tag("1"))
        source.name(try source.image("b"), .none)
        #expect(try await Self.names(source) == ["file:1", "file@"])
    }

    @Test func signaturesGoIntoTheRepositoryOfTheirImage() async throws {
        let source = MemoryPlace("here")
        let image = try source.image("a")
        source.name(image, .full(ImageName(repository: "team/app", tag: "1")))
        let signature = SourceImage(name: .none, descriptor: try source.image("signature"), subject: image.digest)
        let listed = AlteredSource(source) { $0.listed = SourceListing(images: source.images + [signature]) }
        let copy = try await ToldCopy(listed, to: MemoryPlace("there"))
        #expect(copy.report.images.map(\.name.repository) == ["team/app", "team/app"])
    }

    /// Names for a server that shows the images of an archive.
    @Test func namesAsAStoreWouldGiveThem() throws {
        let source = MemoryPlace("here")
        source.name(try source.image("a"), .full(ImageName(host: "quay.io", repository: "app", tag: "1")))
        source.name(try source.image("b"), .tag("2"))
        let named = try source.named(source.images)
        #expect(named.map(\.name.description) == ["app:1", "file:2"])
        #expect(named[0].remark == nil && named[1].remark != nil && named[1].image == source.images[1])
        let bad = MemoryPlace("bad")
        bad.name(try bad.image("a"), .full(ImageName(repository: "Not Valid", tag: "1")))
        #expect {
            _ = try bad.named(bad.images)
        } throws: { ($0 as? ImageError)?.code == .refused && "\($0)".contains("Not Valid") }
    }

    // MARK: Names that are asked for

    /// In a layout, one word is a tag; the image that has a tag gets it, and its predecessor goes by digest.
    @Test func tagsThatAreAskedFor() async throws {
        let source = MemoryPlace("here")
        let old = try source.image("old")
        let new = try source.image("new")
        source.name(old, .none)
        source.name(new, .tag("1"))
        let place = MemoryPlace("layout", requestedName: "v2")
        _ = try await ToldCopy(source, to: place)
        #expect(place.tags == [ImageName(repository: "file", tag: "v2"): new.digest])
    }

    @Test func aTagIsForOneImage() async throws {
        let source = MemoryPlace("here")
        for tag in ["1", "2"] { source.name(try source.image(tag), .tag(tag)) }
        let place = MemoryPlace("layout", requestedName: "v2")
        let text = try #require(await ToldCopy.error(source, to: place))
        #expect(text.contains("here") && text.contains("2 images") && text.contains("'v2'"))
        #expect(place.contents.isEmpty)
    }

    @Test(arguments: ["-x", "UPPER/app:1", "app:1:2", "a//b"])
    func namesThatNoRegistryTakes(_ name: String) async throws {
        let source = MemoryPlace("here")
        source.name(try source.image("a"), .tag("1"))
        let text = try #require(await ToldCopy.error(source, to: MemoryPlace("there", requestedName: name)))
        #expect(text.contains("'\(name)'"))
        let option = try #require(
            await ToldCopy.error(source, to: MemoryPlace("there")) { $0.name = name == "-x" ? "-x/y" : name })
        #expect(option.contains("not a valid"), "\(option)")
    }

    @Test func prefixesAndHosts() async throws {
        let source = MemoryPlace("here")
        source.name(try source.image("a"), .full(ImageName(host: "quay.io", repository: "app", tag: "1")))
        #expect(try await Self.names(source) { $0.prefix = "mirror/" } == ["mirror/app:1"])
        #expect(try await Self.names(source) { $0.name = "other" } == ["other:1"])
        var traits = DestinationTraits()
        traits.keepsHosts = true
        #expect(try await Self.names(source, to: MemoryPlace("layout", traits: traits)) == ["quay.io/app:1"])
        let text = try #require(await ToldCopy.error(source, to: MemoryPlace("there")) { $0.prefix = "Bad" })
        #expect(text.contains("'Bad/app'"))
    }

    @Test func templatesMakeNames() async throws {
        let source = MemoryPlace("here")
        source.name(
            try source.image("a"), .full(ImageName(host: "quay.io:5000", repository: "team/app", tag: "1")))
        let place = MemoryPlace("there")
        let selection = CopySelection(source: source, rename: try NameTemplate("mirror/{registry}/{name}:x-{tag}"))
        _ = try await ToldCopy([selection], to: place)
        #expect(place.tags.keys.map(\.description) == ["mirror/quay.io-5000/app:x-1"])
    }
}

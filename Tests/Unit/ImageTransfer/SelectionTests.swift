import ImageModel
import ImageTransfer
import Testing

/// The images of a source that a name, a tag, a pattern or a digest means.
struct SelectionTests {
    /// A registry's storage: the images have full names, and lie in repositories.
    private static func store() throws -> MemoryPlace {
        let place = MemoryPlace("here")
        for text in ["team/app:1", "team/app:2", "team/tools/lint:1", "other/app:latest", "base:1"] {
            let name = try #require(ImageName(withoutHost: text))
            place.name(try place.image(text), .full(name), in: name.repository)
        }
        return place
    }

    /// A single layout: the images have tags, or full names with hosts, or no name.
    private static func layout() throws -> MemoryPlace {
        let place = MemoryPlace("layout")
        place.name(try place.image("a"), .tag("v1"))
        place.name(try place.image("b"), .full(try #require(ImageName("quay.io/team/app:2"))))
        place.name(try place.image("c"), .full(try #require(ImageName("docker.io/library/alpine:3"))))
        place.name(try place.image("d"), .none)
        return place
    }

    private static func titles(_ place: MemoryPlace, _ name: String) async throws -> [String] {
        try await place.listing(named: name, digest: nil).images.map(\.title)
    }

    @Test(arguments: [
        ("team/app:2", ["team/app:2"]), ("team/app", ["team/app:1", "team/app:2"]),
        // A tag alone is a tag of any repository.
        ("latest", ["other/app:latest"]), ("base", ["base:1"]),
        ("team/*", ["team/app:1", "team/app:2", "team/tools/lint:1"]),
        ("*/app", ["team/app:1", "team/app:2", "other/app:latest"]),
        // The name of a folder means all that is below it.
        ("team", ["team/app:1", "team/app:2", "team/tools/lint:1"]), ("team/tools/", ["team/tools/lint:1"]),
    ])
    func namesInAStore(_ name: String, _ expected: [String]) async throws {
        #expect(try await Self.titles(Self.store(), name) == expected)
    }

    @Test(arguments: [
        ("v1", ["v1"]), ("quay.io/team/app:2", ["quay.io/team/app:2"]), ("team/app", ["quay.io/team/app:2"]),
        // Docker's short names.
        ("alpine:3", ["docker.io/library/alpine:3"]), ("alpine", ["docker.io/library/alpine:3"]),
        ("2", ["quay.io/team/app:2"]), ("te*", ["quay.io/team/app:2"]),
    ])
    func namesInALayout(_ name: String, _ expected: [String]) async throws {
        #expect(try await Self.titles(Self.layout(), name) == expected)
    }

    /// Repositories whose images have no names of their own.
    @Test(arguments: [("team/app", 2), ("team", 2), ("team/*", 2), ("te*", 2)])
    func repositoriesOfImagesWithoutNames(_ name: String, _ count: Int) async throws {
        let place = MemoryPlace("here")
        for note in ["a", "b"] { place.name(try place.image(note), .none, in: "team/app") }
        place.name(try place.image("c"), .none, in: "other")
        let images = try await place.listing(named: name, digest: nil).images
        #expect(images.count == count && images.allSatisfy { $0.repository == "team/app" })
    }

    /// Names that no registry could take are recorded by some tools, and found as they are.
    @Test func recordedLabels() async throws {
        let place = MemoryPlace("here")
        let image = try place.image("a")
        var listed = SourceImage(name: .none, descriptor: image)
        listed.label = "My Image!"
        let source = AlteredSource(place) { $0.listed = SourceListing(images: [listed]) }
        #expect(try await source.image(named: "My Image!", digest: nil).descriptor.digest == image.digest)
    }

    @Test func missingNamesAreSaidWithThoseThatThereAre() async throws {
        let text = try #require(await Self.missing("nope", in: try Self.store()))
        #expect(text.contains("'nope'") && text.contains("here"))
        #expect(text.contains("team/app:1, team/app:2, team/tools/lint:1, other/app:latest, base:1"))
        let empty = try #require(await Self.missing("nope", in: MemoryPlace("empty")))
        #expect(empty.contains("empty") && empty.hasSuffix("'nope'"))
        let many = MemoryPlace("many")
        for number in 1...10 { many.name(try many.image("\(number)"), .tag("t\(number)")) }
        let cut = try #require(await Self.missing("nope", in: many))
        #expect(cut.hasSuffix("t1, t2, t3, t4, t5, t6, t7, t8 and 2 more"))
    }

    /// The message for a name that is not there; nil if it is.
    private static func missing(_ name: String, in place: MemoryPlace) async -> String? {
        do {
            _ = try await place.listing(named: name, digest: nil)
            return nil
        } catch {
            return (error as? ImageError)?.code == .notFound ? "\(error)" : nil
        }
    }

    // MARK: Digests

    @Test func digestsOfListedImages() async throws {
        let place = try Self.store()
        let image = place.images[1]
        for name in [nil, "team/app", "team/*"] {
            let found = try await place.listing(named: name, digest: image.descriptor.digest)
            #expect(found.images == [image])
        }
        let id = Digest(of: Array("config".utf8))
        let archive = MemoryPlace("archive")
        let listed = SourceImage(name: .tag("1"), descriptor: try archive.image("a"), imageID: id)
        let source = AlteredSource(archive) { $0.listed = SourceListing(images: [listed]) }
        #expect(try await source.listing(named: nil, digest: id).images == [listed])
    }

    /// A child of an index is no entry of its own, but can be meant; it has the name of the repository, without a tag.
    @Test func digestsOfChildren() async throws {
        let place = MemoryPlace("here")
        let child = try place.image("child")
        place.name(
            try place.index([child], note: "app"), .full(ImageName(repository: "app", tag: "1")), in: "app")
        let found = try await place.listing(named: "app:1", digest: child.digest).images
        #expect(found.map(\.descriptor.digest) == [child.digest])
        #expect(found.first?.name == .full(ImageName(repository: "app")) && found.first?.repository == "app")
        let there = MemoryPlace("there")
        let report = try await ToldCopy([CopySelection(source: place, digest: child.digest)], to: there).report
        #expect(report.images.map(\.name.description) == ["app"] && there.tags.isEmpty)
    }

    @Test func digestsThatAreMissing() async throws {
        let digest = Digest(of: [1, 2, 3])
        await #expect {
            _ = try await Self.store().listing(named: nil, digest: digest)
        } throws: { ($0 as? ImageError)?.code == .notFound && "\($0)".contains("\(digest)") }
    }

    /// What is listed by that digest, but cannot be read, is told with its own error.
    @Test func digestsOfDamagedImages() async throws {
        let place = try Self.store()
        let digest = Digest(of: [1, 2, 3])
        let broken = try #require(
            BrokenImage(
                name: .full(ImageName(repository: "team/app", tag: "3")), repository: "team/app", digest: digest,
                error: ImageError.damaged("here: the index is cut off")))
        let source = AlteredSource(place) { $0.listed = SourceListing(images: place.images, broken: [broken]) }
        let found = try await source.listing(named: "team/app", digest: digest)
        #expect(found.images.isEmpty && found.broken.map(\.title) == ["team/app:3"])
        await #expect(throws: ImageError.damaged("here: the index is cut off")) {
            _ = try await source.image(named: "team/app:3", digest: nil)
        }
    }

    // MARK: The one image of several

    @Test func theImageThatIsMeantWhenNobodySays() async throws {
        let one = MemoryPlace("one")
        let image = try one.image("a")
        one.name(image, .tag("1"))
        one.name(try one.image("signature"), .tag("sha256-\(image.digest.hex).sig"))
        #expect(try await one.image(named: nil, digest: nil).tag == "1")
        // Two names of one image are one image.
        one.name(image, .tag("2"))
        #expect(try await one.image(named: nil, digest: nil).tag == "1")
        // What the name meant before has no tag.
        let former = MemoryPlace("former")
        former.name(try former.image("old"), .none)
        former.name(try former.image("new"), .tag("1"))
        #expect(try await former.image(named: nil, digest: nil).tag == "1")
        // Of several, that which is called latest.
        let store = try Self.store()
        #expect(try await store.image(named: nil, digest: nil).title == "other/app:latest")
        await #expect {
            _ = try await store.image(named: "team/app", digest: nil)
        } throws: { "\($0)".contains("2 images") && "\($0)".contains("team/app:1, team/app:2") }
        await #expect {
            _ = try await MemoryPlace("empty").image(named: nil, digest: nil)
        } throws: { ($0 as? ImageError)?.code == .notFound && "\($0)".contains("empty") }
    }

    // MARK: Tags that are chosen

    @Test func tagsAreChosenInEachRepository() async throws {
        let place = try Self.store()
        let broken = try #require(
            BrokenImage(
                name: .full(ImageName(repository: "team/app", tag: "3")), repository: "team/app",
                error: ImageError.damaged("cut off")))
        let source = AlteredSource(place) { source in
            source.listed = SourceListing(images: place.images, broken: [broken], notes: ["a file is no image"])
            source.listed?.remarks = ["it is a delta"]
        }
        let chosen = try await source.listing(named: nil) { candidates in
            let tags = try await candidates.tags()
            if candidates.repository == "team/app" {
                #expect(tags == ["1", "2", "3"])
                #expect(try await candidates.image("2")?.tag == "2")
                #expect(try await candidates.image("4") == nil)
            }
            return tags.filter { $0 != "1" }
        }
        #expect(chosen.images.map(\.title) == ["team/app:2", "other/app:latest"])
        #expect(chosen.broken.map(\.title) == ["team/app:3"])
        #expect(chosen.notes == ["a file is no image"] && chosen.remarks == ["it is a delta"])
    }

    /// The first of two images with one tag is meant; an image without a tag is no candidate.
    @Test func tagsOfALayoutAreChosen() async throws {
        let place = try Self.layout()
        place.name(try place.image("e"), .tag("v1"))
        let chosen = try await place.listing(named: nil) { candidates in
            candidates.repository == nil ? try await candidates.tags() : []
        }
        #expect(Set(chosen.images.map(\.descriptor.digest)) == [place.images[0].descriptor.digest])
    }
}

import ImageModel
import ImageTransfer
import Testing

/// What is copied, under which names, and in which form: decided before anything is written.
struct PlanTests {
    private static func copy(
        _ selections: [CopySelection], to place: MemoryPlace = MemoryPlace("there"),
        _ change: (inout CopyOptions) -> Void = { _ in }
    ) async throws -> CopyReport {
        var options = CopyOptions()
        change(&options)
        return try await Copier(options: options).copy(selections, to: place)
    }

    private static let amd64 = Platform(os: "linux", architecture: "amd64")
    private static let arm64 = Platform(os: "linux", architecture: "arm64")

    /// An index of two platforms as `team/app:1`.
    private static func multiplatform() throws -> (place: MemoryPlace, index: Descriptor, children: [Descriptor]) {
        let place = MemoryPlace()
        var children: [Descriptor] = []
        for platform in [amd64, arm64] {
            var child = try place.image("app", architecture: platform.architecture)
            child.platform = platform
            children.append(child)
        }
        let index = try place.index(children, note: "app")
        place.name(index, .full(ImageName(repository: "team/app", tag: "1")), in: "team/app")
        return (place, index, children)
    }

    @Test func everythingTravelsUnlessToldOtherwise() async throws {
        let (source, index, children) = try Self.multiplatform()
        let signature = try source.image("signature", subject: index)
        let place = MemoryPlace("there")
        let report = try await Self.copy([CopySelection(source: source)], to: place)
        #expect(report.images.map(\.kept) == [true])
        #expect(report.images.first?.descriptor.digest == index.digest)
        for digest in [index.digest, signature.digest] + children.map(\.digest) {
            #expect(place.contents[digest] == source.contents[digest])
        }
        #expect(place.tags == [ImageName(repository: "team/app", tag: "1"): index.digest])
    }

    @Test func anIndexIsCutDownToThePlatformsThatAreWanted() async throws {
        let (source, index, children) = try Self.multiplatform()
        let place = MemoryPlace("there")
        let report = try await Self.copy([CopySelection(source: source)], to: place) {
            $0.platforms = .only([Self.arm64])
        }
        let image = try #require(report.images.first)
        #expect(!image.kept && image.previousDigest == index.digest && image.descriptor.digest != index.digest)
        #expect(place.contents[children[1].digest] != nil && place.contents[children[0].digest] == nil)
        let root = try await place.manifest(image.descriptor, in: nil)
        #expect(root.children.map(\.digest) == [children[1].digest])
    }

    @Test(arguments: ["linux/riscv64", "windows/amd64"])
    func aPlatformThatIsNotThereIsAnError(_ platform: String) async throws {
        let (source, _, _) = try Self.multiplatform()
        let place = MemoryPlace("there")
        await #expect {
            _ = try await Self.copy([CopySelection(source: source)], to: place) {
                $0.platforms = PlatformChoice([platform]) ?? .all
            }
        } throws: { "\($0)".contains(platform) }
        #expect(place.contents.isEmpty && place.calls == ["abandon"])
    }

    /// Two images that would get one name: nothing is copied, or the first, or the last.
    @Test(arguments: [CopyOptions.OnExisting.error, .skip, .overwrite])
    func namesThatTwoImagesClaim(_ action: CopyOptions.OnExisting) async throws {
        let sources = [MemoryPlace("one"), MemoryPlace("two")]
        let name = ImageName(repository: "app", tag: "1")
        var images: [Descriptor] = []
        for source in sources {
            images.append(try source.image(source.title))
            source.name(images[images.count - 1], .full(name), in: "app")
        }
        let place = MemoryPlace("there")
        let selections = sources.map { CopySelection(source: $0) }
        guard action != .error else {
            await #expect {
                _ = try await Self.copy(selections, to: place)
            } throws: { "\($0)".contains("two different images would be called app:1") }
            #expect(place.contents.isEmpty)
            return
        }
        let report = try await Self.copy(selections, to: place) { $0.onClash = action }
        #expect(place.tags[name] == (action == .skip ? images[0].digest : images[1].digest))
        #expect(Set(report.images.map(\.result)) == ["copied", "skipped"])
    }

    @Test func theSameImageTwiceIsCopiedOnce() async throws {
        let source = MemoryPlace()
        source.name(try source.image("a"), .full(ImageName(repository: "app", tag: "1")), in: "app")
        let report = try await Self.copy([CopySelection(source: source), CopySelection(source: source)])
        #expect(report.images.count == 1)
    }

    /// A raw layer as `docker save` writes it.
    private static func raw() throws -> (place: MemoryPlace, image: Descriptor) {
        let place = MemoryPlace()
        let image = try place.image("raw", layer: place.add(MemoryPlace.emptyTar, .ociLayer))
        place.name(image, .full(ImageName(repository: "app", tag: "1")), in: "app")
        return (place, image)
    }

    @Test(arguments: [
        (CompressionChoice.parse("keep"), true), (CompressionChoice.parse("gzip"), false),
        (CompressionChoice.parse("zstd"), false), (CompressionChoice.parse("none"), true),
    ])
    func whatChangesItsFormGetsANewDigest(
        _ parsed: (choice: CompressionChoice, level: Int?)?, _ isKept: Bool
    ) async throws {
        let choice = try #require(parsed?.choice)
        let (source, image) = try Self.raw()
        let place = MemoryPlace("there")
        let report = try await Self.copy([CopySelection(source: source)], to: place) { $0.compression = choice }
        #expect(report.images.map(\.kept) == [isKept])
        #expect((report.images.first?.descriptor.digest == image.digest) == isKept)
        // Whatever was packed inflates to what the config promises.
        let copied = try await place.manifests(of: try #require(place.images.first))
        #expect(copied.flatMap(\.blobs).allSatisfy { place.contents[$0.digest] != nil })
        guard !isKept else { return }
        await #expect {
            _ = try await Self.copy([CopySelection(source: source)]) {
                $0.compression = choice
                $0.strict = true
            }
        } throws: { "\($0)".contains("--strict") }
    }

    @Test(arguments: [false, true]) func whatCannotBeReadIsSaid(_ keepGoing: Bool) async throws {
        let source = MemoryPlace()
        let good = try source.image("good")
        let bad = try source.image("bad")
        source.name(good, .full(ImageName(repository: "app", tag: "good")), in: "app")
        source.name(bad, .full(ImageName(repository: "app", tag: "bad")), in: "app")
        source.remove(bad.digest)
        let place = MemoryPlace("there")
        if keepGoing {
            let report = try await Self.copy([CopySelection(source: source)], to: place) { $0.keepGoing = true }
            #expect(report.images.map(\.name.tag) == ["good"])
            #expect(report.failures.map(\.name) == ["app:bad"])
        } else {
            await #expect {
                _ = try await Self.copy([CopySelection(source: source)], to: place)
            } throws: { "\($0)".contains("\(bad.digest)") }
            #expect(place.tags.isEmpty && place.contents.isEmpty)
        }
    }

    @Test func aPlaceOfOneImageTakesNoSecond() async throws {
        var traits = DestinationTraits()
        traits.holdsManyImages = false
        let source = MemoryPlace()
        for tag in ["1", "2"] {
            source.name(try source.image(tag), .full(ImageName(repository: "app", tag: tag)), in: "app")
        }
        await #expect {
            _ = try await Self.copy([CopySelection(source: source)], to: MemoryPlace("small", traits: traits))
        } throws: { "\($0)".contains("small holds one image, and there are 2") }
    }
}

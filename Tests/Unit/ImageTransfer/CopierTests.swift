import ByteStreams
import ImageModel
import ImageTransfer
import Testing

/// Beginning and end of a copy: what is refused before anything is written, and what is said in the end.
struct CopierTests {
    private static func source(_ tags: String...) throws -> MemoryPlace {
        let source = MemoryPlace("here")
        for tag in tags {
            source.name(try source.image(tag), .full(ImageName(repository: "app", tag: tag)), in: "app")
        }
        return source
    }

    /// An archive file that exists is replaced only if that was asked for.
    @Test(arguments: CopyOptions.OnExisting.allCases)
    func filesThatExist(_ action: CopyOptions.OnExisting) async throws {
        let place = FaultyPlace("there") { $0.existingFile = "/backup/app.tar" }
        if action == .error {
            let text = try #require(await ToldCopy.error(try Self.source("1"), to: place))
            #expect(text.hasPrefix("/backup/app.tar: ") && text.contains("--on-existing overwrite"))
            #expect(place.contents.isEmpty)
            return
        }
        let copy = try await ToldCopy(Self.source("1"), to: place) { $0.onExistingFile = action }
        #expect(place.tags.isEmpty == (action == .skip))
        #expect(copy.remarks.count == (action == .skip ? 1 : 0))
        #expect(copy.remarks.allSatisfy { $0.contains("/backup/app.tar") && $0.contains("skipped") })
        #expect(copy.report.images.count == (action == .skip ? 0 : 1))
    }

    /// A pipe that took half a blob cannot be ended well: that has to be said beside the reason, and nothing more is written.
    @Test(arguments: [true, false]) func pipesThatBreakOff(_ keepGoing: Bool) async throws {
        let place = FaultyPlace("standard output") {
            $0.isIntact = false
            $0.loss = { _, _ in ImageError.refused("no room") }
        }
        let text = try #require(
            await ToldCopy.error(try Self.source("1", "2"), to: place) { $0.keepGoing = keepGoing })
        #expect(text.hasPrefix("no room; standard output breaks off"))
        #expect(place.calls.last == "abandon" && !place.calls.contains("finish"))
    }

    /// The destination says what to do once something has changed, and not if nothing has.
    @Test func adviceFollowsChanges() async throws {
        let source = try Self.source("1")
        let place = AdvisingPlace(base: MemoryPlace("there"))
        #expect(try await ToldCopy(source, to: place).remarks == ["restart the registry"])
        #expect(try await ToldCopy(source, to: place).remarks.isEmpty)
    }

    private struct AdvisingPlace: ImageDestination {
        let base: MemoryPlace
        var title: String { base.title }
        var traits: DestinationTraits { base.traits }
        var requestedName: String? { nil }

        func advice() async -> [String] { ["restart the registry"] }
        func begin(_ images: AnnouncedImages, areCertain: Bool) async throws {}
        func has(_ blob: Descriptor, in repository: String) async throws -> Bool {
            try await base.has(blob, in: repository)
        }
        func has(manifest: Digest, in repository: String) async throws -> Bool {
            try await base.has(manifest: manifest, in: repository)
        }
        func digest(of name: ImageName) async throws -> Digest? { base.tags[name] }
        func writer(for target: BlobTarget) throws -> any BlobWriter { try base.writer(for: target) }
        func put(_ manifest: Manifest, in repository: String) async throws {
            try await base.put(manifest, in: repository)
        }
        func tag(_ descriptor: Descriptor, as name: ImageName) async throws {
            try await base.tag(descriptor, as: name)
        }
        func finish() async throws {}
        func abandon() async {}
    }

    /// If every image fails, the destination is left as it was.
    @Test func nothingIsFinishedIfEverythingFails() async throws {
        let source = try Self.source("1", "2")
        for image in source.images { source.remove(image.descriptor.digest) }
        let place = FaultyPlace("there")
        let copy = try await ToldCopy(source, to: place) { $0.keepGoing = true }
        #expect(copy.report.images.isEmpty && copy.report.failures.map(\.name) == ["app:1", "app:2"])
        #expect(place.calls == ["abandon"] && copy.failures.count == 2)
        #expect(zip(copy.failures, ["app:1", "app:2"]).allSatisfy { $0.contains($1) }, "\(copy.failures)")
    }

    @Test func sourcesWithoutImagesAreAnError() async throws {
        let empty = MemoryPlace("empty")
        #expect(await ToldCopy.error(empty, to: MemoryPlace("there"))?.hasPrefix("empty") == true)
        // Beside another source, with keepGoing, the other one is copied.
        let place = FaultyPlace("there")
        let selections = [CopySelection(source: empty, rule: "first"), CopySelection(source: try Self.source("1"))]
        let copy = try await ToldCopy(selections, to: place) { $0.keepGoing = true }
        #expect(copy.image?.name.tag == "1" && copy.report.failures.map(\.rule) == ["first"])
        #expect(place.failures == ["empty"])
    }

    /// The listing's notes and remarks reach the user, and what it cannot read is a failure by its name.
    @Test func listingsWithBrokenImages() async throws {
        let base = try Self.source("1")
        let broken = try #require(
            BrokenImage(
                name: .full(ImageName(repository: "app", tag: "2")), repository: "app",
                error: ImageError.notFound("here has no manifest for app:2")))
        let source = AlteredSource(base) { source in
            source.listed = SourceListing(images: base.images, broken: [broken], notes: ["README is no image"])
            source.listed?.remarks = ["here is a delta"]
            source.reference = ImageReference(transport: .oci, location: "/layout")
        }
        let copy = try await ToldCopy(source, to: MemoryPlace("there")) { $0.keepGoing = true }
        #expect(copy.remarks.count == 2 && copy.remarks.first == "here is a delta")
        #expect(copy.remarks.last?.hasPrefix("README is no image") == true)
        let failure = try #require(copy.report.failures.first)
        #expect(failure.name == "app:2" && failure.source == "oci:/layout:app:2")
        #expect((failure.error as? ImageError)?.code == .damaged)
        #expect(await ToldCopy.error(source, to: MemoryPlace("there")) == "here has no manifest for app:2")
    }

    /// A remark that holds for very many images is made three times, and then counted.
    @Test func remarksAreSummedUp() async throws {
        for (count, sum) in [(4, "1 more image"), (6, "3 more images")] {
            let source = MemoryPlace("here")
            for number in 0..<count {
                let image = try source.image("\(number)")
                source.name(image, .full(ImageName(repository: "app", tag: "\(number)")), in: "app")
                _ = try source.image("signature \(number)", subject: image)
            }
            var traits = DestinationTraits()
            traits.holdsReferrers = false
            let copy = try await ToldCopy(source, to: MemoryPlace("plain", traits: traits))
            #expect(copy.remarks.count == 4)
            #expect(copy.remarks.last?.contains("\(sum): plain cannot hold them") == true, "\(copy.remarks)")
        }
    }

    // MARK: Room

    @Test func aDiskThatWouldBeFullIsNoticedBefore() async throws {
        let place = FaultyPlace("/disk") { $0.freeSpace = 100 }
        let text = try #require(await ToldCopy.error(try Self.source("1"), to: place))
        #expect(text.hasPrefix("/disk: not enough room") && text.contains("100 B free"), "\(text)")
        #expect(place.contents.isEmpty && !place.calls.contains("begin 1"))
        // A dry run tells it, and is no failure.
        let copy = try await ToldCopy(Self.source("1"), to: place) { $0.dryRun = true }
        let disk = try #require(copy.report.disks.first)
        #expect(disk.problem == "not enough room" && disk.free == 100 && disk.needed > 100)
        // What is there already needs no room.
        let full = FaultyPlace("/disk")
        _ = try await ToldCopy(Self.source("1"), to: full)
        let other = FaultyPlace("/disk") { $0.freeSpace = 0 }
        for bytes in full.contents.values { other.add(bytes, .ociLayer) }
        #expect(try await ToldCopy(Self.source("2"), to: other).report.disks.first?.needed == 0)
    }

    // MARK: Tags

    /// A tag that is damaged may be replaced, and is otherwise a reason to stop.
    @Test func tagsThatCannotBeLookedUp() async throws {
        let damage = ImageError.damaged("there: the tag app:1 is damaged")
        let place = FaultyPlace("there") { $0.tagError = damage }
        let copy = try await ToldCopy(Self.source("1"), to: place)
        #expect(copy.image?.result == "copied" && copy.image?.isNewTag == false && place.tags.count == 1)
        let text = await ToldCopy.error(try Self.source("1"), to: place) { $0.onExisting = .skip }
        #expect(text == damage.description)
    }

    /// An image of several is refused for its tag; the others are copied.
    @Test func tagsThatAreTakenFailOneByOne() async throws {
        let place = MemoryPlace("there")
        let old = MemoryPlace("old")
        old.name(try old.image("old"), .full(ImageName(repository: "app", tag: "1")), in: "app")
        _ = try await ToldCopy(old, to: place)
        let copy = try await ToldCopy(Self.source("1", "2"), to: place) {
            $0.keepGoing = true
            $0.onExisting = .error
        }
        #expect(copy.image?.name.tag == "2" && copy.report.failures.map(\.name) == ["app:1"])
        #expect(place.tags[ImageName(repository: "app", tag: "1")] == old.images[0].descriptor.digest)
    }

    // MARK: Blobs that are missing

    /// The message tells the reason of each blob, how much is missing and what helps.
    @Test func missingBlobsOfADelta() async throws {
        let base = MemoryPlace("delta")
        var absences: [Digest: BlobAbsence] = [:]
        for number in 0..<7 {
            let tar = MemoryPlace.emptyTar + [UInt8](repeating: UInt8(number), count: 512)
            let layer = base.add(tar, .ociLayer)
            let image = try base.image("\(number)", layer: layer, diffID: Digest(of: tar))
            base.name(image, .full(ImageName(repository: "app", tag: "\(number)")), in: "app")
            let reason = number < 2 ? "the delta leaves it out" : "volume \(number) is missing"
            absences[layer.digest] = BlobAbsence(.leftOut, reason: reason, advice: "fetch the other volumes")
        }
        let source = AlteredSource(base) { $0.absences = absences }
        let place = MemoryPlace("there")
        let text = try #require(await ToldCopy.error(source, to: place))
        #expect(
            text.hasPrefix("2 blobs of app:0, app:1 ") && text.contains("missing: the delta leaves it out"), "\(text)")
        #expect(text.contains("1 blob of app:2 ") && text.contains("missing: volume 2 is missing"))
        #expect(text.contains("2 more reasons") && !text.contains("volume 5"))
        #expect(text.contains("fetch the other volumes") && text.contains("--base"))
        #expect(place.contents.isEmpty)
        // A dry run tells it as well; with keepGoing, for each image.
        #expect(await ToldCopy.error(source, to: place) { $0.dryRun = true } == text)
        let copy = try await ToldCopy(source, to: place) {
            $0.keepGoing = true
            $0.dryRun = true
        }
        #expect(copy.report.failures.count == 7 && copy.report.images.isEmpty)
    }

    /// A blob that the destination had in another repository when it was taken stock of can be mounted from there.
    @Test(arguments: [true, false]) func blobsOfOtherRepositories(_ isThere: Bool) async throws {
        let base = try Self.source("1")
        let layer = Digest(of: MemoryPlace.emptyLayer)
        let source = AlteredSource(base) {
            $0.absences[layer] = BlobAbsence(.leftOut, reason: "the delta leaves it out", repository: "other")
        }
        let place = RegistryPlace("there")
        if isThere {
            let other = MemoryPlace("other")
            other.name(try other.image("other"), .full(ImageName(repository: "other", tag: "1")), in: "other")
            _ = try await ToldCopy(other, to: place)
        }
        let text = await ToldCopy.error(source, to: place)
        #expect((text == nil) == isThere, "\(text ?? "")")
        #expect((place.tags[ImageName(repository: "app", tag: "1")] != nil) == isThere)
    }

    @Test func basesHaveToBeReadableAtAnyTime() async throws {
        let base = try Self.source("1")
        let stream = MemoryStream(base, [])
        await #expect(throws: ImageError.self) { _ = try await BlobBase(stream, SourceListing(images: base.images)) }
    }
}

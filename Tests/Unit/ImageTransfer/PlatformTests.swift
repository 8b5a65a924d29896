import ImageModel
import ImageTransfer
import Testing

/// Platforms of indexes: what is copied, what is left out, and what is said of it.
struct PlatformTests {
    private static let name = ImageName(repository: "app", tag: "1")
    private static let attestationPlatform = Platform(os: "unknown", architecture: "unknown")

    /// An image for Linux with a layer of its own; the descriptor gives its platform.
    private static func child(_ architecture: String, in place: MemoryPlace) throws -> Descriptor {
        let tar = layer(architecture)
        var child = try place.image(
            architecture, architecture: architecture, layer: place.add(tar, .ociLayer), diffID: Digest(of: tar))
        child.platform = Platform(os: "linux", architecture: architecture)
        return child
    }

    private static func layer(_ architecture: String) -> [UInt8] {
        MemoryPlace.emptyTar + Array(architecture.utf8) + [UInt8](repeating: 0, count: 512 - architecture.utf8.count)
    }

    /// BuildKit's attestation of an image.
    private static func attestation(of image: Descriptor, in place: MemoryPlace) throws -> Descriptor {
        let statement = Array("statement about \(image.digest)".utf8)
        var manifest = try place.image(
            "attestation \(image.digest)", layer: place.add(statement, MediaType("application/vnd.in-toto+json")))
        manifest.platform = attestationPlatform
        manifest.annotations = [
            "vnd.docker.reference.type": "attestation-manifest",
            Descriptor.attestedDigestKey: image.digest.description,
        ]
        return manifest
    }

    /// An index with an attestation for each of its platforms, called `app:1`.
    private static func attested(
        _ architectures: [String]
    ) throws -> (place: MemoryPlace, children: [Descriptor], attestations: [Descriptor]) {
        let place = MemoryPlace("here")
        let children = try architectures.map { try child($0, in: place) }
        let attestations = try children.map { try attestation(of: $0, in: place) }
        place.name(try place.index(children + attestations, note: "app"), .full(name), in: "app")
        return (place, children, attestations)
    }

    private static func only(_ platforms: String...) -> (inout CopyOptions) -> Void {
        { $0.platforms = PlatformChoice(platforms) ?? .all }
    }

    /// Digests that the index of a copied image lists.
    private static func entries(_ copy: ToldCopy, _ place: MemoryPlace) async throws -> [Digest] {
        guard case .index(let index) = try await place.manifest(try #require(copy.image).descriptor, in: nil).content
        else { return [] }
        return index.manifests.map(\.digest)
    }

    @Test func attestationsGoWithTheirImages() async throws {
        let (source, children, attestations) = try Self.attested(["amd64", "arm64"])
        let place = MemoryPlace("there")
        let copy = try await ToldCopy(source, to: place, Self.only("linux/arm64"))
        #expect(try await Self.entries(copy, place) == [children[1].digest, attestations[1].digest])
        #expect(place.contents[attestations[0].digest] == nil)
        #expect(copy.remarks.contains { $0.contains("app:1") && $0.contains("new digest") }, "\(copy.remarks)")
    }

    @Test func aPlatformThatIsMissingIsNamedWithThoseThatAreThere() async throws {
        let (source, _, _) = try Self.attested(["amd64", "arm64"])
        let text = try #require(await ToldCopy.error(source, to: MemoryPlace("there"), Self.only("linux/s390x")))
        #expect(text.contains("app:1") && text.contains("linux/s390x") && text.contains("linux/amd64, linux/arm64"))
        #expect(!text.contains("unknown"))
    }

    /// Of very many platforms, the message names some.
    @Test func aLongListOfPlatformsIsCutShort() async throws {
        let place = MemoryPlace("here")
        let image = try place.image("a")
        let entries = (0..<30).map { number in
            var entry = image
            entry.platform = Platform(os: "linux", architecture: "cpu\(number)")
            return entry
        }
        place.name(try place.index(entries + entries, note: "many"), .full(Self.name), in: "app")
        let text = try #require(await ToldCopy.error(place, to: MemoryPlace("there"), Self.only("linux/s390x")))
        #expect(text.contains("linux/cpu15 and 14 more") && !text.contains("cpu16"), "\(text)")
    }

    /// Entries that do not give their platform: their configs do.
    @Test func platformsAreReadFromConfigs() async throws {
        let source = MemoryPlace("here")
        let children = try ["amd64", "arm64"].map { architecture in
            var child = try Self.child(architecture, in: source)
            child.platform = nil
            return child
        }
        // A child that is listed twice is looked into once, with the same answer.
        source.name(try source.index(children + children, note: "app"), .full(Self.name), in: "app")
        let place = MemoryPlace("there")
        let copy = try await ToldCopy(source, to: place, Self.only("linux/arm64"))
        #expect(try await Self.entries(copy, place) == [children[1].digest, children[1].digest])
        #expect(place.contents[children[0].digest] == nil)
    }

    @Test func indexesBelowIndexesAreCutDownToo() async throws {
        let source = MemoryPlace("here")
        let children = try ["amd64", "arm64"].map { try Self.child($0, in: source) }
        let both = try source.index(children, note: "both")
        let other = try source.index([try Self.child("s390x", in: source)], note: "other")
        source.name(try source.index([both, other], note: "outer"), .full(Self.name), in: "app")
        let place = MemoryPlace("there")
        let copy = try await ToldCopy(source, to: place, Self.only("linux/arm64"))
        let outer = try await Self.entries(copy, place)
        #expect(outer.count == 1 && outer.first != both.digest)
        let inner = try await place.manifest(Descriptor(untyped: try #require(outer.first)), in: nil)
        #expect(inner.children.map(\.digest) == [children[1].digest])
        #expect(place.contents[other.digest] == nil && place.contents[children[0].digest] == nil)
    }

    /// An image that several indexes list, and whose config alone tells the platform, is kept in each of them.
    @Test func imagesThatSeveralIndexesShare() async throws {
        let source = MemoryPlace("here")
        var child = try Self.child("arm64", in: source)
        child.platform = nil
        let inner = try ["a", "b"].map { try source.index([child], note: $0) }
        let outer = try source.index(inner, note: "outer")
        source.name(outer, .full(Self.name), in: "app")
        let place = MemoryPlace("there")
        let copy = try await ToldCopy(source, to: place, Self.only("linux/arm64"))
        #expect(copy.image?.descriptor.digest == outer.digest)
        #expect(try await Self.entries(copy, place) == inner.map(\.digest))
    }

    /// A single image for another platform is an error if nothing else is copied, and is left out beside others.
    @Test func singleImagesForAnotherPlatform() async throws {
        let source = MemoryPlace("here")
        let images = try ["amd64", "arm64"].map { architecture in
            let image = try Self.child(architecture, in: source)
            source.name(image, .full(ImageName(repository: "app", tag: architecture)), in: "app")
            return image
        }
        let place = MemoryPlace("there")
        let copy = try await ToldCopy(source, to: place, Self.only("linux/arm64"))
        #expect(copy.image?.descriptor.digest == images[1].digest && copy.image?.kept == true)
        #expect(copy.remarks.count == 1)
        #expect(
            ["app:amd64", "linux/amd64", "linux/arm64"].allSatisfy { copy.remarks.first?.contains($0) == true },
            "\(copy.remarks)")
        let alone = CopySelection(source: source, name: "app:amd64")
        await #expect {
            _ = try await ToldCopy([alone], to: place, Self.only("linux/arm64"))
        } throws: { ($0 as? ImageError)?.code == .otherPlatform }
        let text = await ToldCopy.error(source, to: place, Self.only("linux/s390x", "linux/riscv64"))
        #expect(text?.contains("linux/s390x or linux/riscv64") == true)
    }

    /// An index of a pull-through cache: platforms that nobody asked for are listed, and missing.
    @Test func presentPlatformsAreCopied() async throws {
        let (source, children, attestations) = try Self.attested(["amd64", "arm64", "s390x"])
        source.remove(children[0].digest)
        source.remove(Digest(of: Self.layer("arm64")))
        source.remove(attestations[2].digest)
        let place = MemoryPlace("there")
        let copy = try await ToldCopy(source, to: place) { $0.platforms = .present }
        #expect(try await Self.entries(copy, place) == [children[2].digest])
        for (what, digest, reason) in [
            ("linux/amd64", children[0].digest, "has no manifest"),
            ("linux/arm64", children[1].digest, "here does not hold it"),
            ("attestation", attestations[2].digest, "has no manifest"),
        ] {
            #expect(
                copy.remarks.contains { $0.contains("\(what) \(digest) is left out") && $0.contains(reason) },
                "\(copy.remarks)")
        }
        // What is whole keeps its digest.
        let (whole, _, _) = try Self.attested(["amd64", "arm64"])
        let all = try await ToldCopy(whole, to: MemoryPlace("there")) { $0.platforms = .present }
        #expect(all.image?.kept == true && all.remarks.isEmpty)
    }

    @Test func anIndexBelowIsPresentIfAnythingOfItIs() async throws {
        let source = MemoryPlace("here")
        let children = try ["amd64", "arm64", "s390x"].map { try Self.child($0, in: source) }
        let some = try source.index([children[0], children[1]], note: "some")
        let none = try source.index([children[2]], note: "none")
        source.name(try source.index([some, none], note: "outer"), .full(Self.name), in: "app")
        source.remove(children[0].digest)
        source.remove(children[2].digest)
        let place = MemoryPlace("there")
        let copy = try await ToldCopy(source, to: place) { $0.platforms = .present }
        #expect(place.contents[children[1].digest] != nil)
        #expect(try await Self.entries(copy, place).count == 1)
        #expect(copy.remarks.contains { $0.contains("\(none.digest) is left out") })
    }

    @Test func anImageWithoutAnyWholePlatformIsAnError() async throws {
        let (source, children, _) = try Self.attested(["amd64"])
        source.remove(children[0].digest)
        let text = try #require(await ToldCopy.error(source, to: MemoryPlace("there")) { $0.platforms = .present })
        #expect(text.contains("here") && text.contains("platform") && text.contains("app:1"))
    }

    /// The message names the index, the platform and what to do, if there is anything.
    @Test func childrenThatAreMissing() async throws {
        let (source, children, _) = try Self.attested(["amd64", "arm64"])
        source.remove(children[1].digest)
        let text = try #require(await ToldCopy.error(source, to: MemoryPlace("there")))
        #expect(text.contains("\(children[1].digest)") && text.contains("app:1") && text.contains("linux/arm64"))
        #expect(text.contains("--platform present"))
        source.remove(children[0].digest)
        let rest = try #require(await ToldCopy.error(source, to: MemoryPlace("there")))
        #expect(rest.contains("linux/amd64") && !rest.contains("--platform"))
    }

    @Test func attestationsThatAreMissing() async throws {
        let (source, _, attestations) = try Self.attested(["amd64"])
        source.remove(attestations[0].digest)
        let text = try #require(await ToldCopy.error(source, to: MemoryPlace("there")))
        #expect(text.contains("\(attestations[0].digest)") && text.contains("attestation"))
    }

    @Test func aMissingEntryThatHasToBeReadForItsPlatform() async throws {
        let source = MemoryPlace("here")
        var child = try Self.child("amd64", in: source)
        child.platform = nil
        source.name(try source.index([child], note: "app"), .full(Self.name), in: "app")
        source.remove(child.digest)
        let text = try #require(await ToldCopy.error(source, to: MemoryPlace("there"), Self.only("linux/amd64")))
        #expect(text.contains("\(child.digest)") && text.contains("an index of app:1"))
    }

    // MARK: Entries of other kinds

    /// Entries without a manifest's media type: the content shows whether they are manifests.
    @Test(arguments: ["all", "linux/amd64", "present"])
    func entriesWithoutAKnownTypeAreCopiedAsWhatTheyAre(_ platform: String) async throws {
        let source = MemoryPlace("here")
        let typed = try Self.child("amd64", in: source)
        let others = try ["arm64", "s390x"].map { architecture in
            var other = try Self.child(architecture, in: source)
            other.mediaType = MediaType("application/octet-stream")
            return other
        }
        let text = source.add(Array("just a note".utf8), MediaType("text/plain"))
        let json = source.add(Array(#"{"a":1}"#.utf8), MediaType("application/json"))
        let index = try source.index([typed] + others + [text, json, others[1], text], note: "mixed")
        source.name(index, .full(Self.name), in: "app")
        let place = MemoryPlace("there")
        let copy = try await ToldCopy(source, to: place, Self.only(platform))
        let isCut = platform == "linux/amd64"
        #expect(copy.image?.kept == !isCut)
        for digest in others.map(\.digest) + [Digest(of: Self.layer("arm64")), text.digest, json.digest] {
            #expect((place.contents[digest] != nil) == !isCut, "\(digest)")
        }
        #expect(place.contents[typed.digest] != nil)
        // Manifests are put as manifests only: the blobs are three configs, three layers and the two other entries.
        #expect(place.calls.count { $0 == "manifest" } == (isCut ? 2 : 4))
        #expect(place.calls.count { $0 == "blob" } == (isCut ? 2 : 8))
    }

    @Test func aBlobOfAnIndexThatIsMissingIsMissed() async throws {
        let source = MemoryPlace("here")
        let typed = try Self.child("amd64", in: source)
        let text = source.add(Array("just a note".utf8), MediaType("text/plain"))
        source.name(try source.index([typed, text], note: "mixed"), .full(Self.name), in: "app")
        source.remove(text.digest)
        let place = MemoryPlace("there")
        let error = try #require(await ToldCopy.error(source, to: place))
        #expect(error.contains("\(text.digest)") && error.contains("here does not hold it"))
        let copy = try await ToldCopy(source, to: place) { $0.platforms = .present }
        #expect(try await Self.entries(copy, place) == [typed.digest])
    }

    @Test func aChildThatIsListedWithTwoSizesIsRefused() async throws {
        let source = MemoryPlace("here")
        let child = try Self.child("amd64", in: source)
        var other = child
        other.size += 1
        source.name(try source.index([child, other], note: "app"), .full(Self.name), in: "app")
        let place = MemoryPlace("there")
        let text = try #require(await ToldCopy.error(source, to: place))
        #expect(text.contains("\(child.digest)") && text.contains("\(child.size)") && text.contains("\(other.size)"))
        #expect(place.contents.isEmpty)
    }

    @Test func indexesWithoutEntries() async throws {
        let source = MemoryPlace("here")
        let index = try source.index([], note: "empty")
        source.name(index, .full(Self.name), in: "app")
        for platform in ["all", "present"] {
            let copy = try await ToldCopy(source, to: MemoryPlace("there"), Self.only(platform))
            #expect(copy.image?.descriptor.digest == index.digest)
        }
        let text = await ToldCopy.error(source, to: MemoryPlace("there"), Self.only("linux/amd64"))
        #expect(text?.contains("no platforms") == true)
    }

    @Test(arguments: ["all", "linux/amd64", "present"])
    func indexesMayBeNestedSixteenDeepOnly(_ platform: String) async throws {
        for (depth, isAccepted) in [(16, true), (17, false)] {
            let source = MemoryPlace("here")
            var root = try Self.child("amd64", in: source)
            for level in 0..<depth { root = try source.index([root], note: "\(level)") }
            source.name(root, .full(Self.name), in: "app")
            let place = MemoryPlace("there")
            let text = await ToldCopy.error(source, to: place, Self.only(platform))
            #expect((text == nil) == isAccepted, "\(text ?? "")")
            if let text { #expect(text.contains("app:1") && text.contains("16")) }
            #expect(place.contents.isEmpty == !isAccepted)
        }
    }

    // MARK: Referrers

    @Test func referrersOfReferrersTravel() async throws {
        let source = MemoryPlace("here")
        let image = try source.image("app")
        source.name(image, .full(Self.name), in: "app")
        let signature = try source.image("signature", subject: image)
        let timestamp = try source.image("timestamp", subject: signature)
        let place = MemoryPlace("there")
        let copy = try await ToldCopy(source, to: place)
        #expect(copy.image?.kept == true)
        for digest in [image.digest, signature.digest, timestamp.digest] {
            #expect(place.contents[digest] == source.contents[digest])
        }
    }

    /// A source that is hostile may chain referrers without end.
    @Test func chainsOfReferrersEnd() async throws {
        for (length, isAccepted) in [(16, true), (17, false)] {
            let source = MemoryPlace("here")
            var last = try source.image("app")
            source.name(last, .full(Self.name), in: "app")
            for number in 0..<length { last = try source.image("\(number)", subject: last) }
            let text = await ToldCopy.error(source, to: MemoryPlace("there"))
            #expect((text == nil) == isAccepted)
            if let text { #expect(text.contains("referrers of app:1") && text.contains("16")) }
        }
    }

    /// Signatures do not fit an image that changes, and some places cannot hold them: both is said.
    @Test func referrersThatStayBehindAreCounted() async throws {
        let source = MemoryPlace("here")
        let children = try ["amd64", "arm64"].map { try Self.child($0, in: source) }
        let index = try source.index(children, note: "app")
        source.name(index, .full(Self.name), in: "app")
        let signature = try source.image("signature", subject: index)
        _ = try source.image("SBOM", subject: children[1])
        let cut = try await ToldCopy(source, to: MemoryPlace("there"), Self.only("linux/arm64"))
        #expect(
            cut.remarks.contains { $0.hasPrefix("app:1: 2 referrers ") && $0.contains("digest changes") },
            "\(cut.remarks)")
        var traits = DestinationTraits()
        traits.holdsReferrers = false
        let place = MemoryPlace("plain", traits: traits)
        let copy = try await ToldCopy(source, to: place)
        #expect(copy.remarks.count == 1 && copy.remarks.first?.hasPrefix("app:1: 2 referrers ") == true)
        #expect(copy.remarks.first?.contains("plain cannot hold them") == true)
        #expect(copy.image?.kept == true && place.contents[index.digest] != nil)
        #expect(place.contents[signature.digest] == nil)
    }

    /// Cosign names signatures by tags; an image that is chosen by its name brings them along.
    @Test func signaturesUnderTagsGoWithTheirImage() async throws {
        let source = MemoryPlace("here")
        let images = try ["1", "2"].map { tag in
            let image = try Self.child("cpu\(tag)", in: source)
            source.name(image, .full(ImageName(repository: "app", tag: tag)), in: "app")
            let signature = ImageName(repository: "app", tag: "sha256-\(image.digest.hex).sig")
            source.name(try source.image("signature \(tag)"), .full(signature), in: "app")
            return image
        }
        let place = MemoryPlace("there")
        let selection = CopySelection(source: source, name: "app:2", requestedName: "mine/app:x")
        _ = try await ToldCopy([selection], to: place)
        #expect(
            Set(place.tags.keys.map(\.description)) == ["mine/app:x", "mine/app:sha256-\(images[1].digest.hex).sig"])
        // Not with one platform, which has another digest.
        let cut = MemoryPlace("there")
        _ = try await ToldCopy([selection], to: cut, Self.only("linux/cpu2"))
        #expect(cut.tags.keys.map(\.description) == ["mine/app:x"])
    }
}

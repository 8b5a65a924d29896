import ByteStreams
import ImageModel
import ImageTransfer
import Testing

/// Inventories: what a place holds, as a document.
struct InventoryTests {
    /// Collects what is written.
    private final class Sink: ByteSink {
        var bytes: [UInt8] = []
        func write(_ more: UnsafeRawBufferPointer) throws { bytes += more }
    }

    private static func written(_ inventory: Inventory) throws -> [UInt8] {
        let sink = Sink()
        try inventory.write(to: sink)
        return sink.bytes
    }

    private static func read(_ text: String) throws -> Inventory {
        try Inventory(reading: BytesSource(Array(text.utf8)), name: "inventory.json")
    }

    /// A place with images in two repositories, one of them with very many layers.
    private static func place(layers: Int) throws -> MemoryPlace {
        let place = MemoryPlace("here")
        place.name(try place.image("a"), .full(ImageName(repository: "a", tag: "1")), in: "a")
        let many = ImageManifest(
            mediaType: .ociManifest, config: place.add(Array("{}".utf8), .ociConfig),
            layers: (0..<layers).map { place.add(Array("layer \($0)".utf8), .ociLayer) })
        place.name(
            place.add(try Document.encode(many), .ociManifest), .full(ImageName(repository: "b", tag: "2")), in: "b")
        return place
    }

    /// Few blobs are written out, many are packed; either way, what is read is what was written.
    @Test(arguments: [1, 99, 100, 5000]) func inventoriesAreReadAsTheyWereWritten(_ layers: Int) async throws {
        let place = try Self.place(layers: layers)
        let inventory = try await Inventory(of: place, try await place.listing())
        let bytes = try Self.written(inventory)
        let again = try Inventory(reading: BytesSource(bytes), name: "inventory.json")
        #expect(again.digest == Digest(of: bytes) && again.digest == inventory.digest)
        #expect(again.blobCount == layers + 3 && again.repositories.map(\.name) == ["a", "b"])
        #expect(
            again.repositories.map(\.tags) == [
                ["1": place.images[0].descriptor.digest], ["2": place.images[1].descriptor.digest],
            ])
        #expect(String(decoding: bytes, as: UTF8.self).contains("packedBlobs") == (layers >= 100))
        for layer in [0, layers - 1] {
            let bytes = Array("layer \(layer)".utf8)
            let blob = Descriptor(mediaType: .ociLayer, digest: Digest(of: bytes), size: Int64(bytes.count))
            #expect(again.has(blob) && again.repository(of: blob.digest) == "b")
            // Another size is another blob.
            var other = blob
            other.size += 1
            #expect(!again.has(other))
        }
        #expect(!again.has(Descriptor(mediaType: .ociLayer, digest: Digest(of: [1]), size: 1)))
        #expect(try Self.written(again) == bytes)
    }

    /// Layouts have no repositories: names of images are kept whole.
    @Test func inventoriesOfLayouts() async throws {
        let place = MemoryPlace("layout")
        let image = try place.image("a")
        place.name(image, .full(ImageName(host: "quay.io", repository: "app", tag: "1")))
        place.name(image, .tag("v1"))
        place.name(image, .none)
        let inventory = try await Inventory(of: place, try await place.listing())
        #expect(inventory.repositories.map(\.name) == [nil])
        #expect(inventory.repositories[0].tags == ["quay.io/app:1": image.digest, "v1": image.digest])
        #expect(inventory.repository(of: Digest(of: MemoryPlace.emptyLayer)) == nil && inventory.blobCount == 2)
        #expect(try Self.written(try Inventory(reading: BytesSource(Self.written(inventory)), name: "x")).count > 0)
    }

    /// Images that cannot be read are said and left out; so are blobs that are missing.
    @Test func damagedPlaces() async throws {
        let place = try Self.place(layers: 2)
        place.remove(place.images[0].descriptor.digest)
        place.remove(Digest(of: Array("layer 0".utf8)))
        let broken = try #require(BrokenImage(name: .tag("broken"), error: ImageError.damaged("cut off")))
        var remarks: [String] = []
        let listing = SourceListing(images: place.images, broken: [broken])
        let inventory = try await Inventory(of: place, listing) { remarks.append($0) }
        #expect(inventory.repositories.map(\.name) == ["b"] && inventory.blobCount == 2)
        #expect(remarks.count == 2 && remarks[0].contains("broken") && remarks[1].contains("a:1"), "\(remarks)")
    }

    private static let type = #""mediaType":"application/vnd.dray.inventory.v1+json""#
    private static let digest = "sha256:" + String(repeating: "ab", count: 32)

    private static func document(_ repository: String) -> String {
        #"{\#(type),"repositories":[{\#(repository)}]}"#
    }

    /// A record of 32 bytes of digest and 8 of size.
    private static func record(size: [UInt8]) -> String {
        Base64.encode([UInt8](repeating: 1, count: 32) + size)
    }

    @Test(arguments: [
        ("{}", "inventory.json"), (#"{"mediaType":"text/plain","repositories":[]}"#, "text/plain"),
        ("{\(type)}", "'repositories' is missing"), (document(#""name":"a""#), "'tags' is missing"),
        (document(#""name":"../a","tags":{}"#), "'../a'"), (document(#""tags":{"1":"sha256:12"}"#), "'sha256:12'"),
        (document(#""tags":{},"blobs":[{"digest":"\#(digest)","size":-1}]"#), "-1"),
        (document(#""tags":{},"blobs":[{"digest":"\#(digest)","size":9007199254740993}]"#), "9007199254740993"),
        (document(#""tags":{},"packedBlobs":"AAAA""#), "packedBlobs"),
        (document(#""tags":{},"packedBlobs":"****""#), "packedBlobs"),
        (document(#""tags":{},"packedBlobs":"\u0041""#), "packedBlobs"),
        (document(#""tags":{},"packedBlobs":"\#(record(size: [1, 0, 0, 0, 0, 0, 0, 0]))""#), "size"),
        (document(#""tags":{}"#) + "x", "inventory.json"),
    ])
    func documentsThatAreNoInventories(_ text: String, _ message: String) {
        #expect {
            _ = try Self.read(text)
        } throws: { ($0 as? ImageError)?.code == .invalidDocument && "\($0)".contains(message) }
    }

    /// Padding in the middle of a long text is not base64.
    @Test func paddingIsForTheEnd() {
        let record = Self.record(size: [0, 0, 0, 0, 0, 0, 0, 9])
        #expect(record.hasSuffix("="))
        let text = Self.document(#""tags":{},"packedBlobs":"\#(String(repeating: record, count: 4000))""#)
        #expect(throws: ImageError.self) { _ = try Self.read(text) }
    }

    @Test func otherWritersAreUnderstood() throws {
        let record = Self.record(size: [0, 0, 0, 0, 0, 0, 0, 9])
        // Members in another order, null for what is absent, a member that is unknown, and slashes that are escaped.
        let packed = Base64.encode([UInt8](repeating: 255, count: 32) + [0, 0, 0, 0, 0, 0, 0, 7])
        #expect(packed.contains("/"))
        let text =
            #"{"repositories":[{"tags":{},"blobs":null,"packedBlobs":"\#(packed.replacing("/", with: #"\/"#))","new":1},"#
            + #"{"name":null,"packedBlobs":null,"blobs":[{"digest":"\#(Self.digest)","size":3}],"tags":{"1":"\#(Self.digest)"}},"#
            + #"{"tags":{},"packedBlobs":"\#(record)"}],\#(Self.type)}"#
        let inventory = try Self.read(text)
        #expect(inventory.blobCount == 3)
        let blob = Digest(sha256: [UInt8](repeating: 255, count: 32))
        #expect(inventory.has(Descriptor(mediaType: .ociLayer, digest: blob, size: 7)))
        #expect(
            inventory.has(
                Descriptor(mediaType: .ociLayer, digest: Digest(sha256: [UInt8](repeating: 1, count: 32)), size: 9)))
        #expect(inventory.repositories.map(\.name) == [nil, nil, nil])
    }
}

import ByteStreams
import ImageModel
import ImageTransfer

/// Images in memory.
struct MemorySource: ImageSource {
    var title = "memory"
    var madeUpRepository = "file"
    var images: [SourceImage] = []
    private var contents: [Digest: [UInt8]] = [:]
    private var subjects: [Digest: [Descriptor]] = [:]

    init() {}

    mutating func add(_ bytes: [UInt8], _ type: MediaType) -> Descriptor {
        let digest = Digest(of: bytes)
        contents[digest] = bytes
        return Descriptor(mediaType: type, digest: digest, size: Int64(bytes.count))
    }

    /// An image of a gzipped layer; the same for all that have one architecture, but for the manifest.
    ///
    /// - Parameter note: what makes the manifest its own.
    mutating func image(_ note: String, architecture: String = "amd64", subject: Descriptor? = nil) throws -> Descriptor
    {
        // An empty tar, gzipped, and its diffID.
        let layer = add(Self.emptyLayer, .ociLayerGzip)
        let diffID = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
        let config =
            #"{"architecture":"\#(architecture)","os":"linux","rootfs":{"type":"layers","diff_ids":["\#(diffID)"]}}"#
        var image = ImageManifest(
            mediaType: .ociManifest, config: add(Array(config.utf8), .ociConfig), layers: [layer])
        image.annotations = ["note": note]
        image.subject = subject
        let descriptor = add(try Document.encode(image), .ociManifest)
        if let subject { subjects[subject.digest, default: []].append(descriptor) }
        return descriptor
    }

    mutating func index(_ children: [Descriptor], note: String) throws -> Descriptor {
        var index = ImageIndex(manifests: children)
        index.annotations = ["note": note]
        return add(try Document.encode(index), .ociIndex)
    }

    mutating func name(_ descriptor: Descriptor, _ name: SourceImage.Name, in repository: String? = nil) {
        images.append(SourceImage(name: name, descriptor: descriptor, repository: repository))
    }

    mutating func remove(_ digest: Digest) { contents[digest] = nil }

    func listing() async throws -> SourceListing { SourceListing(images: images) }

    func manifest(_ descriptor: Descriptor, in repository: String?) async throws -> Manifest {
        guard let bytes = contents[descriptor.digest] else {
            throw TransferError.notFound("\(title) has no manifest \(descriptor.digest)")
        }
        return try Manifest(bytes, mediaType: descriptor.mediaType, name: "\(title): \(descriptor.digest)")
    }

    func blob(_ descriptor: Descriptor, in repository: String?) async throws -> any ByteSource {
        guard let bytes = contents[descriptor.digest] else {
            throw TransferError.notFound("\(title) has no blob \(descriptor.digest)")
        }
        return BytesSource(bytes)
    }

    func referrers(of digest: Digest, in repository: String?) async throws -> [Descriptor] { subjects[digest] ?? [] }

    func absence(of blob: Descriptor, in repository: String?) async throws -> BlobAbsence? {
        contents[blob.digest] == nil ? BlobAbsence(reason: "\(title) does not hold it", advice: "") : nil
    }

    /// 1,024 zeros, as `gzip -n9` packs them.
    private static let emptyLayer: [UInt8] = [
        0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3, 0x63, 0x60, 0x18, 5, 0xa3, 0x60, 0x14, 0x8c, 0x54, 0, 0, 0x2e, 0xaf, 0xb5,
        0xef, 0, 4, 0, 0,
    ]
}

import ByteStreams
import ImageModel
import ImageTransfer
import Synchronization

/// Images in memory, to be read and to be written: tests of the copy engine need no files.
class MemoryPlace: KnowsAbsences, ReusesLayers, ListsAllImages, @unchecked Sendable {
    fileprivate struct State {
        var images: [SourceImage] = []
        /// Blobs and manifests alike.
        var contents: [Digest: [UInt8]] = [:]
        /// Of those, what a repository may refer to.
        var repositories: [String: Set<Digest>] = [:]
        var subjects: [Digest: [Descriptor]] = [:]
        var tags: [ImageName: Digest] = [:]
        var calls: [String] = []
        var writers = 0
        var mostWriters = 0
    }

    let title: String
    let traits: DestinationTraits
    let requestedName: String?
    let layerMemory: LayerMemory?
    let madeUpRepository = "file"
    /// Is asked before a blob is written; its error is that of the place.
    private let refuse: @Sendable (BlobTarget) throws -> Void
    fileprivate let state = Mutex(State())

    init(
        _ title: String = "memory", traits: DestinationTraits = DestinationTraits(), requestedName: String? = nil,
        layerMemory: LayerMemory? = nil,
        refuse: @escaping @Sendable (BlobTarget) throws -> Void = { _ in }
    ) {
        self.title = title
        self.traits = traits
        self.requestedName = requestedName
        self.layerMemory = layerMemory
        self.refuse = refuse
    }

    // MARK: What a test puts there, and finds there

    @discardableResult
    func add(_ bytes: [UInt8], _ type: MediaType) -> Descriptor {
        let digest = Digest(of: bytes)
        state.withLock { $0.contents[digest] = bytes }
        return Descriptor(mediaType: type, digest: digest, size: Int64(bytes.count))
    }

    /// An image of a layer; the same for all that have one architecture, but for the manifest.
    ///
    /// - Parameters:
    ///   - note: what makes the manifest its own.
    ///   - layer: an empty tar, gzipped, unless given.
    ///   - diffID: of the layer, for the config.
    func image(
        _ note: String, architecture: String = "amd64", subject: Descriptor? = nil, layer: Descriptor? = nil,
        diffID: Digest? = nil
    ) throws -> Descriptor {
        let layer = layer ?? add(Self.emptyLayer, .ociLayerGzip)
        let diffID = diffID ?? Self.emptyDiffID
        let config =
            #"{"architecture":"\#(architecture)","os":"linux","rootfs":{"type":"layers","diff_ids":["\#(diffID)"]}}"#
        var image = ImageManifest(
            mediaType: .ociManifest, config: add(Array(config.utf8), .ociConfig), layers: [layer])
        image.annotations = ["note": note]
        image.subject = subject
        let descriptor = add(try Document.encode(image), .ociManifest)
        if let subject { state.withLock { $0.subjects[subject.digest, default: []].append(descriptor) } }
        return descriptor
    }

    func index(_ children: [Descriptor], note: String) throws -> Descriptor {
        var index = ImageIndex(manifests: children)
        index.annotations = ["note": note]
        return add(try Document.encode(index), .ociIndex)
    }

    func name(_ descriptor: Descriptor, _ name: SourceImage.Name, in repository: String? = nil) {
        state.withLock {
            $0.images.append(SourceImage(name: name, descriptor: descriptor, repository: repository))
        }
    }

    func remove(_ digest: Digest) { state.withLock { $0.contents[digest] = nil } }

    var images: [SourceImage] { state.withLock(\.images) }
    var contents: [Digest: [UInt8]] { state.withLock(\.contents) }
    var tags: [ImageName: Digest] { state.withLock(\.tags) }
    /// What was asked of it as a destination, in order: `blob`, `manifest`, `tag`, `mount`, `keep`, `finish`, `abandon`.
    var calls: [String] { state.withLock(\.calls) }
    /// Blobs that were under way at once.
    var mostWriters: Int { state.withLock(\.mostWriters) }

    fileprivate func note(_ call: String) { state.withLock { $0.calls.append(call) } }

    // MARK: The source

    func listing() async throws -> SourceListing { SourceListing(images: images) }

    func manifest(_ descriptor: Descriptor, in repository: String?) async throws -> Manifest {
        guard let bytes = contents[descriptor.digest] else {
            throw ImageError.notFound("\(title) has no manifest \(descriptor.digest)")
        }
        return try Manifest(bytes, mediaType: descriptor.mediaType, name: "\(title): \(descriptor.digest)")
    }

    func blob(_ descriptor: Descriptor, in repository: String?) async throws -> any ByteSource {
        guard let bytes = contents[descriptor.digest] else {
            throw ImageError.notFound("\(title) has no blob \(descriptor.digest)")
        }
        return BytesSource(bytes)
    }

    func referrers(of digest: Digest, in repository: String?) async throws -> [Descriptor] {
        state.withLock { $0.subjects[digest] ?? [] }
    }

    func absence(of blob: Descriptor, in repository: String?) async throws -> BlobAbsence? {
        contents[blob.digest] == nil ? BlobAbsence(reason: "\(title) does not hold it", advice: "") : nil
    }

    // MARK: The destination

    func begin(_ images: AnnouncedImages, areCertain: Bool) async throws { note("begin \(images.count)") }

    func has(_ blob: Descriptor, in repository: String) async throws -> Bool { isThere(blob.digest, repository) }

    func has(manifest: Digest, in repository: String) async throws -> Bool { isThere(manifest, repository) }

    private func isThere(_ digest: Digest, _ repository: String) -> Bool {
        state.withLock { state in
            state.contents[digest] != nil
                && (sharesBlobs || state.repositories[repository]?.contains(digest) == true)
        }
    }

    func digest(of name: ImageName) async throws -> Digest? { tags[name] }

    func keep(_ descriptor: Descriptor, as name: ImageName, referrers: [Descriptor]) async throws {
        note("keep \(name)")
    }

    func leaveOut(_ failures: [CopyReport.Failure]) {}

    func present(in repository: String, tags: [String]) async throws -> PresentImages? { nil }

    func writer(for target: BlobTarget) throws -> any BlobWriter {
        try refuse(target)
        state.withLock { state in
            state.writers += 1
            state.mostWriters = max(state.mostWriters, state.writers)
        }
        return Writer(self, target)
    }

    /// Keeps a blob's bytes until they have their name.
    private final class Writer: BlobWriter {
        private let place: MemoryPlace
        private let target: BlobTarget
        private var bytes: [UInt8] = []
        private var isOpen = true

        init(_ place: MemoryPlace, _ target: BlobTarget) {
            self.place = place
            self.target = target
        }

        func write(_ more: UnsafeRawBufferPointer) throws { bytes += more }
        func flush() throws { place.state.withLock { $0.writers -= 1 } }
        func commit(_ digest: Digest) throws {
            guard isOpen else { return }
            isOpen = false
            place.state.withLock { state in
                state.contents[digest] = bytes
                state.repositories[target.repository, default: []].insert(digest)
                state.calls.append("blob")
            }
        }
        func cancel() { isOpen = false }
        func written() throws -> any ByteSource { BytesSource(bytes) }
    }

    func put(_ manifest: Manifest, in repository: String) async throws {
        try state.withLock { state in
            for child in manifest.children + manifest.blobs where !child.staysAway {
                guard state.contents[child.digest] != nil else {
                    throw ImageError.damaged("\(title): \(manifest.digest) was put before \(child.digest)")
                }
            }
            state.contents[manifest.digest] = manifest.bytes
            state.repositories[repository, default: []].insert(manifest.digest)
            if let subject = manifest.subject {
                state.subjects[subject.digest, default: []].append(manifest.referrerDescriptor)
            }
            state.calls.append("manifest")
        }
    }

    func tag(_ descriptor: Descriptor, as name: ImageName) async throws {
        state.withLock { state in
            if name.tag != nil { state.tags[name] = descriptor.digest }
            state.images.append(
                SourceImage(name: .full(name), descriptor: descriptor, repository: name.repository))
            state.calls.append("tag \(name)")
        }
    }

    func finish() async throws { note("finish") }
    func abandon() async { note("abandon") }

    // MARK: An empty layer

    /// 1,024 zeros, as `gzip -n9` packs them.
    static let emptyLayer: [UInt8] = [
        0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3, 0x63, 0x60, 0x18, 5, 0xa3, 0x60, 0x14, 0x8c, 0x54, 0, 0, 0x2e, 0xaf, 0xb5,
        0xef, 0, 4, 0, 0,
    ]
    static let emptyTar = [UInt8](repeating: 0, count: 1024)
    static let emptyDiffID = Digest(of: emptyTar)
}

/// A registry in memory: each repository has blobs of its own.
final class MountingPlace: MemoryPlace, MountsBlobs, @unchecked Sendable {
    func mount(
        _ blob: Descriptor, from source: (any ImageSource)?, in origin: String?, into repository: String
    ) async throws -> Bool {
        guard source == nil, contents[blob.digest] != nil else { return false }
        note("mount into \(repository)")
        state.withLock { _ = $0.repositories[repository, default: []].insert(blob.digest) }
        return true
    }
}

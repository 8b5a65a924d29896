package import ByteStreams
package import FileTrees
package import ImageModel
package import ImageTransfer
import Synchronization

/// skopeo's `dir:`: one image, everything in one directory.
///
/// ```
/// version               "Directory Transport Version: 1.1\n"
/// manifest.json         the image's manifest or index
/// <hex>.manifest.json   manifests below an index
/// <hex>                 layers and configs
/// .dray/staging/        while dray writes: files without names yet
/// .dray/lock            locked by whoever writes
/// .dray/layers          see LayerMemory; may be removed
/// ```
/// Source: containers/image, directory transport.
package final class ImageDirectory: ReusesLayers, OccupiesDisk, ImageEditor, KnowsAbsences {
    static let version = "Directory Transport Version: 1.1\n"

    package let path: String
    package let requestedName: String?
    private let directory: LazyDirectory
    private let memory: LayerMemory
    private let session = Mutex<Session?>(nil)
    let quarantine: Quarantine?

    /// - Parameters:
    ///   - name: what the image is called when it is read: a `dir:` keeps no names.
    ///   - quarantine: keeps what is replaced.
    package init(path: String, name: String? = nil, quarantine: Quarantine? = nil) {
        self.path = path
        self.quarantine = quarantine
        requestedName = name
        directory = LazyDirectory(path)
        memory = LayerMemory(place: path)
    }

    package var title: String { path }
    package func reference(in repository: String?) -> ImageReference? {
        ImageReference(transport: .directory, location: path)
    }
    package var madeUpRepository: String { ImageName.repository(fromFile: path) }
    package var traits: DestinationTraits {
        var traits = DestinationTraits()
        traits.holdsReferrers = false
        traits.holdsManyImages = false
        traits.keepsLooseBlobs = false
        traits.keepsRawLayers = true
        traits.isOneRepository = true
        traits.keepsSHA512 = false
        return traits
    }

    private var tree: DirectoryTree { DirectoryTree(path) }

    // MARK: Reading

    func root() throws -> Manifest {
        guard let bytes = try tree.read("manifest.json", limit: Document.sizeLimit) else {
            throw try ForeignMembers.error(of: tree)
        }
        // A docker-archive has a list of that name.
        if bytes.first == UInt8(ascii: "[") { throw try ForeignMembers.error(of: tree) }
        return try Manifest(bytes, name: "\(path)/manifest.json")
    }

    package func listing() async throws -> SourceListing {
        SourceListing(images: [SourceImage(name: .none, descriptor: try root().descriptor)])
    }

    package func manifest(_ descriptor: Descriptor, in repository: String?) async throws -> Manifest {
        let root = try root()
        if root.digest == descriptor.digest { return root }
        return try tree.manifest(descriptor, at: "\(descriptor.digest.hex).manifest.json", title: title)
    }

    package func blob(_ descriptor: Descriptor, in repository: String?) async throws -> any ByteSource {
        guard let source = try tree.open(descriptor.digest.hex) else {
            throw ImageError.notFound("\(path) has no blob \(descriptor.digest)")
        }
        return source
    }

    package func absence(of blob: Descriptor, in repository: String?) async throws -> BlobAbsence? {
        try tree.absence(of: blob, at: blob.digest.hex)
    }

    package func referrers(of digest: Digest, in repository: String?) async throws -> [Descriptor] { [] }

    // MARK: Writing

    /// One process writes at a time: there is room for one image.
    private struct Session {
        let area: StagingArea
        let lock: DirectoryLock
    }

    func area() throws -> StagingArea {
        try session.withLock { session in
            if let session { return session.area }
            let area = try StagingArea(directory.made(), quarantine: quarantine)
            session = Session(area: area, lock: try area.alone())
            return area
        }
    }

    package func begin(_ images: AnnouncedImages, areCertain: Bool) async throws {
        try await Workers.blobs.run { [self] in
            let area = try area()
            let known = try area.root.read("version", limit: 4096) ?? []
            // Programs of other kinds have files called `version` and `manifest.json`, too.
            guard
                try known.starts(with: "Directory Transport Version:".utf8)
                    || area.root.list(".")?.allSatisfy({ $0 == ".dray" }) ?? true
            else {
                throw ImageError.refused(
                    "\(path): the directory is not empty and holds no image, so nothing is written there; name a new directory"
                )
            }
            try area.write(Array(Self.version.utf8), to: "version")
        }
    }

    package func has(_ blob: Descriptor, in repository: String) async throws -> Bool {
        let size = try fileSize("\(path)/\(blob.digest.hex)")
        return blob.size < 0 ? size != nil : size == blob.size
    }

    package func has(manifest: Digest, in repository: String) async throws -> Bool { false }
    package func digest(of name: ImageName) async throws -> Digest? {
        try fileKind("\(path)/manifest.json") == nil ? nil : root().digest
    }
    package func present(in repository: String, tags: [String]) async throws -> PresentImages? {
        try fileKind("\(path)/manifest.json") == nil ? nil : PresentImages(source: self, images: await images())
    }
    package var layerMemory: LayerMemory? { memory }
    package func freeSpace() async throws -> Int64? { try ByteStreams.freeSpace(at: path) }
    package func writeObstacle() async throws -> String? { WriteObstacle.find(at: [path]) }

    package func writer(for target: BlobTarget) throws -> any BlobWriter {
        try StagedBlobWriter(in: area(), replaces: target.replaces) { $0.hex }
    }

    package func put(_ manifest: Manifest, in repository: String) async throws {
        try await Workers.blobs.run { [self] in
            try area().write(manifest.bytes, to: "\(manifest.digest.hex).manifest.json")
        }
    }

    package func tag(_ descriptor: Descriptor, as name: ImageName) async throws {
        try await Workers.blobs.run { [self] in
            let area = try area()
            let own = "\(descriptor.digest.hex).manifest.json"
            guard let bytes = try area.root.read(own, limit: Document.sizeLimit) else {
                throw ImageError.notFound("\(path) has no manifest \(descriptor.digest)")
            }
            try area.write(bytes, to: "manifest.json")
            try area.root.removeFile(own)
        }
    }

    package func finish() async throws { session.withLock { $0 = nil } }
    package func abandon() async { session.withLock { $0 = nil } }

    // MARK: Editing

    package func tag(_ image: SourceImage, as tag: String) async throws {
        throw ImageError.refused(
            "\(path) is a dir:, which holds one image and no names: copy it to where it can have one")
    }

    package func untag(_ image: SourceImage) async throws { try await delete(image) }

    package func delete(_ image: SourceImage) async throws {
        guard try root().digest == image.descriptor.digest else {
            throw ImageError.refused(
                "\(image.descriptor.digest) is a part of the image in \(path), and goes with that: delete \(try root().digest)"
            )
        }
        try directory.ifThere()?.removeFile("manifest.json")
    }
}

public import ByteStreams
public import ImageModel
public import ImageTransfer
import Synchronization

/// An OCI image layout in a directory, to be written. Made when absent.
///
/// Others may write into it at the same time: blobs come by renaming, and `index.json` is read, changed
/// and replaced under a lock on the directory.
public final class OCILayout: ImageDestination {
    public let path: String
    public let requestedName: String?
    private let naming: LayoutNaming
    private let staging = Mutex<StagingArea?>(nil)

    /// - Parameter name: what images are to be called there: a tag, or REPOSITORY[:TAG].
    public init(path: String, name: String? = nil) {
        self.path = path
        requestedName = name
        naming = LayoutNaming(requestedName: name)
    }

    public var title: String { path }
    public var traits: DestinationTraits {
        var traits = DestinationTraits()
        traits.keepsHosts = true
        return traits
    }

    private var tree: DirectoryTree { DirectoryTree(path) }

    private func area() throws -> StagingArea {
        try staging.withLock { area in
            if let area { return area }
            let new = try StagingArea(root: path)
            area = new
            return new
        }
    }

    public func begin(_ images: [AnnouncedImage]?) async throws {
        try await Workers.blobs.run { [self] in
            let area = try area()
            if try fileKind("\(path)/\(OCIPaths.layout)") == nil {
                try area.write(Array(OCIPaths.layoutContent.utf8), to: "\(path)/\(OCIPaths.layout)")
            }
            try change { _ in }
        }
    }

    public func has(_ blob: Descriptor, in repository: String) async throws -> Bool {
        let size = try fileSize("\(path)/\(OCIPaths.blob(blob.digest))")
        return blob.size < 0 ? size != nil : size == blob.size
    }

    public func has(manifest: Digest, in repository: String) async throws -> Bool {
        try fileSize("\(path)/\(OCIPaths.blob(manifest))") != nil
    }

    public func digest(of name: ImageName) async throws -> Digest? {
        guard try fileKind("\(path)/\(OCIPaths.index)") != nil, let text = naming.text(of: name) else { return nil }
        return try OCISource(tree).index().first { entry in
            [OCIPaths.imageName, OCIPaths.refName].contains { entry.annotations?[$0] == text }
        }?.digest
    }

    public func knownLayers(in repository: String, tags: [String]) async throws -> [Digest: [Descriptor]] {
        guard try fileKind("\(path)/\(OCIPaths.index)") != nil else { return [:] }
        return try await OCISource(tree).layersByDiffID(in: nil)
    }

    public func freeSpace() async throws -> Int64? { try ByteStreams.freeSpace(at: path) }

    public func writer(for target: BlobTarget) throws -> any BlobWriter {
        try StagedBlobWriter(in: area()) { [path] in "\(path)/\(OCIPaths.blob($0))" }
    }

    public func put(_ manifest: Manifest, in repository: String) async throws {
        try await Workers.blobs.run { [self] in
            try area().write(manifest.bytes, to: "\(path)/\(OCIPaths.blob(manifest.digest))")
        }
    }

    public func tag(_ descriptor: Descriptor, as name: ImageName) async throws {
        try await Workers.blobs.run { [self] in
            try change { try $0.put(naming.entry(descriptor, as: name), name: naming.text(of: name)) }
        }
    }

    public func finish() async throws { close() }
    public func abandon() async { close() }

    private func close() { staging.withLock { $0 = nil } }

    /// Changes `index.json` while nobody else can.
    private func change(_ body: (inout OCIIndexFile) throws -> Void) throws {
        let area = try area()
        let lock = try DirectoryLock.waiting(.exclusive, on: path)
        defer { withExtendedLifetime(lock) {} }
        let file = "\(path)/\(OCIPaths.index)"
        let old = try readFile(file, limit: Document.indexSizeLimit)
        var index = try OCIIndexFile(old, name: file)
        try body(&index)
        let new = try index.encoded()
        if new != old { try area.write(new, to: file) }
    }
}

extension OCILayout: ImageEditor {
    private var source: OCISource { OCISource(tree) }

    public var madeUpRepository: String { source.madeUpRepository }
    public func images() async throws -> [SourceImage] { try await source.images() }
    public func manifest(_ descriptor: Descriptor, in repository: String?) async throws -> Manifest {
        try await source.manifest(descriptor, in: repository)
    }
    public func blob(_ descriptor: Descriptor, in repository: String?) async throws -> any ByteSource {
        try await source.blob(descriptor, in: repository)
    }
    public func referrers(of digest: Digest, in repository: String?) async throws -> [Descriptor] {
        try await source.referrers(of: digest, in: repository)
    }

    public func tag(_ image: SourceImage, as tag: String) async throws {
        var name = ImageName(repository: madeUpRepository, tag: tag)
        var naming = LayoutNaming(requestedName: tag)
        if case .full(let full) = image.name {
            name = ImageName(host: full.host, repository: full.repository, tag: tag)
            naming = self.naming
        }
        try await edit { [name, naming] in
            try $0.put(naming.entry(image.descriptor, as: name), name: naming.text(of: name))
        }
    }

    public func untag(_ image: SourceImage) async throws {
        let entry = try source.index().first { $0.digest == image.descriptor.digest && $0.layoutName == image.name }
        guard let name = entry?.annotations?[OCIPaths.imageName] ?? entry?.annotations?[OCIPaths.refName] else {
            throw TransferError.notFound("\(title) has no image \(image.title)")
        }
        try await edit { try $0.removeName(name) }
    }

    public func delete(_ image: SourceImage) async throws {
        try await edit { $0.removeAll(image.descriptor.digest) }
    }

    private func edit(_ body: @Sendable @escaping (inout OCIIndexFile) throws -> Void) async throws {
        try await Workers.blobs.run { [self] in
            try change(body)
            close()
        }
    }
}

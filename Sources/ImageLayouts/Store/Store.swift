public import ByteStreams
public import ImageModel
public import ImageTransfer
import Synchronization

/// A registry's storage directory, written as the registry itself writes it. Made when absent.
///
/// The order is the registry's: bytes before links, a tag's history before the tag. Every file comes into
/// being whole, by renaming, after its bytes are on the disk.
public final class Store: ImageDestination {
    public let path: String
    public let requestedName: String?
    private let paths = StorePaths.standard
    private let staging = Mutex<StagingArea?>(nil)
    /// SHA-256 of blobs that go by SHA-512, as far as this run wrote them.
    private let canonical = Mutex<[Digest: Digest]>([:])

    /// - Parameters:
    ///   - path: the registry's root directory, above `docker/registry/v2`.
    ///   - name: what images are to be called there: REPOSITORY[:TAG].
    public init(path: String, name: String? = nil) {
        self.path = path
        requestedName = name
    }

    public var title: String { path }
    public var traits: DestinationTraits {
        var traits = DestinationTraits()
        traits.holdsSchema1 = true
        traits.bareNameIsTag = false
        return traits
    }

    var source: StoreSource { StoreSource(DirectoryTree(path)) }

    private var isThere: Bool { get throws { try fileKind("\(path)/\(paths.root)") == .directory } }

    private func area() throws -> StagingArea {
        try staging.withLock { area in
            if let area { return area }
            let new = try StagingArea(root: path)
            area = new
            return new
        }
    }

    func path(ofBlob digest: Digest) -> String { "\(path)/\(paths.blob(digest))" }
    func remember(_ digest: Digest, is target: Digest) { canonical.withLock { $0[digest] = target } }

    /// The SHA-256 that the store keeps a blob under; nil if it is not there.
    private func target(of digest: Digest, in repository: String) throws -> Digest? {
        if digest.algorithm == .sha256 { return digest }
        if let known = canonical.withLock({ $0[digest] }) { return known }
        return try isThere ? source.link(paths.layerLink(digest, repository)) : nil
    }

    public func begin(_ images: [AnnouncedImage]?) async throws {
        _ = try await Workers.blobs.run { [self] in
            try makeDirectories("\(path)/\(paths.repositories)", ownership: area().ownership)
        }
    }

    public func has(_ blob: Descriptor, in repository: String) async throws -> Bool {
        guard let target = try target(of: blob.digest, in: repository) else { return false }
        let size = try fileSize(path(ofBlob: target))
        return blob.size < 0 ? size != nil : size == blob.size
    }

    public func has(manifest: Digest, in repository: String) async throws -> Bool {
        guard try isThere else { return false }
        let source = source
        let manifest = try? await source.manifest(
            Descriptor(mediaType: MediaType(""), digest: manifest, size: -1), in: repository)
        guard let manifest else { return false }
        for blob in manifest.blobs where !blob.staysAway {
            guard try await has(blob, in: repository),
                try source.link(paths.layerLink(blob.digest, repository)) != nil
            else { return false }
        }
        return true
    }

    public func digest(of name: ImageName) async throws -> Digest? {
        guard let tag = name.tag, try isThere else { return nil }
        return try? source.link(paths.currentLink(tag, name.repository))
    }

    public func knownLayers(in repository: String, tags: [String]) async throws -> [Digest: [Descriptor]] {
        try isThere ? await source.layersByDiffID(in: repository) : [:]
    }

    public func freeSpace() async throws -> Int64? { try ByteStreams.freeSpace(at: path) }

    public func writer(for target: BlobTarget) throws -> any BlobWriter {
        try StoreBlobWriter(self, area(), target: target)
    }

    /// Links to the blobs, the manifest's bytes, the link to it.
    public func put(_ manifest: Manifest, in repository: String) async throws {
        try await Workers.blobs.run { [self] in
            for blob in manifest.blobs where !blob.staysAway {
                guard let target = try target(of: blob.digest, in: repository),
                    try fileSize(path(ofBlob: target)) != nil
                else {
                    throw TransferError.damaged(
                        "\(title) lacks the blob \(blob.digest) of the manifest \(manifest.digest)")
                }
                try link(paths.layerLink(blob.digest, repository), to: target)
                if target != blob.digest { try link(paths.layerLink(target, repository), to: target) }
            }
            try makeDirectories("\(path)/\(paths.repositories)/\(repository)/_layers", ownership: area().ownership)
            let target = Digest(of: manifest.bytes)
            let file = path(ofBlob: target)
            if try fileSize(file) != manifest.size { try area().write(manifest.bytes, to: file) }
            if manifest.digest.algorithm != .sha256 { try link(paths.revisionLink(target, repository), to: target) }
            try link(paths.revisionLink(manifest.digest, repository), to: target)
        }
    }

    public func tag(_ descriptor: Descriptor, as name: ImageName) async throws {
        guard let tag = name.tag else { return }
        try await Workers.blobs.run { [self] in
            try link(paths.tagIndexLink(descriptor.digest, tag, name.repository), to: descriptor.digest)
            try link(paths.currentLink(tag, name.repository), to: descriptor.digest)
        }
    }

    public func finish() async throws { close() }
    public func abandon() async { close() }

    private func close() { staging.withLock { $0 = nil } }

    /// Writes a link, if it does not say so already.
    private func link(_ relative: String, to digest: Digest) throws {
        let file = "\(path)/\(relative)"
        let content = Array(digest.description.utf8)
        if try readFile(file, limit: 4096) != content { try area().write(content, to: file) }
    }
}

extension Store: ImageEditor {
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
        try await self.tag(image.descriptor, as: ImageName(repository: image.repository ?? "", tag: tag))
        close()
    }

    public func untag(_ image: SourceImage) async throws {
        guard let tag = image.tag, let repository = image.repository else {
            throw TransferError.notFound("\(title) has no tag for \(image.title)")
        }
        try await Workers.blobs.run { [self] in try remove(tag: tag, repository) }
    }

    /// In the registry's own order: the revision's link, then the tags that mean it.
    public func delete(_ image: SourceImage) async throws {
        guard let repository = image.repository else { return }
        try await Workers.blobs.run { [self] in
            let digest = image.descriptor.digest
            let target = try source.link(paths.revisionLink(digest, repository)) ?? digest
            for revision in Set([digest, target]) {
                let file = "\(path)/\(paths.revisionLink(revision, repository))"
                if try removeFile(file) { try syncDirectory(parent(of: file)) }
            }
            for tag in try listDirectory("\(path)/\(paths.tags(repository))") ?? [] {
                let current = try? source.link(paths.currentLink(tag, repository))
                if current == digest || current == target { try remove(tag: tag, repository) }
            }
        }
    }

    private func remove(tag: String, _ repository: String) throws {
        try removeFile("\(path)/\(paths.currentLink(tag, repository))")
        try removeTree("\(path)/\(paths.tag(tag, repository))")
        try syncDirectory("\(path)/\(paths.tags(repository))")
    }
}

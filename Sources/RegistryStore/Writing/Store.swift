import ByteStreams
package import FileTrees
package import ImageModel
package import ImageTransfer
import Synchronization

/// A registry's storage, written as the registry itself writes it. Made when absent.
///
/// The order is the registry's: bytes before links, a tag's history before the tag.
///
/// A garbage collection may run beside it: see `StoreLock`. What `has` affirms is safe from it for the
/// collector's grace time; `put` and `tag` look again, and refuse rather than refer to what is gone.
package final class Store: ReusesLayers, OccupiesDisk, HoldsWholeImages {
    package let tree: any StoreTree & CollectedStore
    package let requestedName: String?
    let paths = StorePaths.standard
    /// SHA-256 of blobs that go by SHA-512, as far as this run wrote them.
    private let canonical = Mutex<[Digest: Digest]>([:])
    let uploadHashes = UploadHashes()
    private let reliance: StoreReliance?

    /// - Parameters:
    ///   - path: the registry's root directory, above `docker/registry/v2`.
    ///   - name: what images are to be called there: REPOSITORY[:TAG].
    ///   - servesOthers: what is asked after is not wanted by this program itself, so it is not kept fresh
    ///     for longer than a garbage collection's grace time: for a server, which lives long.
    package convenience init(path: String, name: String? = nil, servesOthers: Bool = false) {
        self.init(path: path, name: name, servesOthers: servesOthers, quarantine: nil)
    }

    /// - Parameter quarantine: keeps what is replaced.
    package convenience init(path: String, name: String?, servesOthers: Bool, quarantine: Quarantine?) {
        self.init(
            StoreDirectory(path, patience: servesOthers ? .seconds(5) : nil, quarantine: quarantine), name: name,
            servesOthers: servesOthers)
    }

    package init(_ tree: any StoreTree & CollectedStore, name: String? = nil, servesOthers: Bool = false) {
        self.tree = tree
        requestedName = name
        reliance = servesOthers ? nil : StoreReliance()
    }

    package var title: String { tree.title }
    package var layerMemory: LayerMemory? { tree.layerMemory }
    package var traits: DestinationTraits {
        var traits = DestinationTraits()
        traits.holdsSchema1 = true
        traits.bareNameIsTag = false
        traits.ordersImages = false
        return traits
    }

    package var source: StoreSource { StoreSource(tree.files, at: paths) }

    private var isThere: Bool { get throws { try tree.hasDirectory(paths.root) } }

    func remember(_ digest: Digest, is target: Digest) { canonical.withLock { $0[digest] = target } }

    /// The SHA-256 that the store keeps a blob under; nil if it is not there.
    private func target(of digest: Digest, in repository: String) throws -> Digest? {
        if digest.algorithm == .sha256 { return digest }
        if let known = canonical.withLock({ $0[digest] }) { return known }
        return try isThere ? source.link(paths.layerLink(digest, repository)) : nil
    }

    package func begin(_ images: AnnouncedImages, areCertain: Bool) async throws {
        try await Workers.blobs.run { [self] in try tree.prepare() }
    }

    /// Whether the bytes are in the store, whichever repository may use them. Those that are there are touched.
    package func has(_ blob: Descriptor, in repository: String) async throws -> Bool {
        try await Workers.commits.run { [self] in
            try tree.whileLooking { try hasNow(blob, in: repository) }
        }
    }

    private func hasNow(_ blob: Descriptor, in repository: String) throws -> Bool {
        guard let target = try target(of: blob.digest, in: repository),
            let size = try rely(on: paths.blob(target))
        else { return false }
        if !tree.isRemote { _ = try rely(on: paths.layerLink(blob.digest, repository)) }
        return blob.size < 0 || size == blob.size
    }

    /// Keeps a file from a garbage collection; its size, nil if it is not there.
    private func rely(on file: String) throws -> Int64? {
        let size = try tree.keep(file)
        if size != nil { reliance?.add(file) }
        return size
    }

    /// Called while something long is under way.
    func stayFresh() throws {
        if let due = reliance?.due(), !due.isEmpty { try tree.keepLonger(due) }
    }

    package func has(manifest digest: Digest, in repository: String) async throws -> Bool {
        try await Workers.commits.run { [self] in
            guard try isThere, let manifest = try? source.manifest(digest, repository, paths) else { return false }
            return try tree.whileLooking { try hasNow(manifest, in: repository) }
        }
    }

    /// Whether all that a manifest needs can be served.
    private func hasNow(_ manifest: Manifest, in repository: String) throws -> Bool {
        if tree.isRemote {
            // What has a link has its bytes: a garbage collection takes the link first.
            let links = try Set(tree.list(paths.layers(repository, .sha256)) ?? [])
            return try manifest.blobs.allSatisfy { blob in
                try blob.staysAway || links.contains(blob.digest.hex) || isChild(blob, of: manifest, in: repository)
                    || source.link(paths.layerLink(blob.digest, repository)) != nil
            }
        }
        guard let target = try source.link(paths.revisionLink(manifest.digest, repository)),
            try rely(on: paths.blob(target)) != nil,
            try rely(on: paths.revisionLink(manifest.digest, repository)) != nil
        else { return false }
        return try manifest.blobs.allSatisfy { blob in
            try blob.staysAway || isChild(blob, of: manifest, in: repository)
                || hasNow(blob, in: repository) && source.link(paths.layerLink(blob.digest, repository)) != nil
        }
    }

    package func digest(of name: ImageName) async throws -> Digest? {
        guard let tag = name.tag else { return nil }
        return try await Workers.blobs.run { [self] in
            do {
                return try isThere ? source.link(paths.currentLink(tag, name.repository)) : nil
            } catch let error as ImageError where error.errno == nil && error.code == .damaged {
                // What its link does not tell is nothing.
                return nil
            }
        }
    }

    package func present(in repository: String, tags: [String]) async throws -> PresentImages? {
        if isRemote { return try await presentInBucket(repository, tags) }
        guard try await Workers.blobs.run({ [self] in try isThere }) else { return nil }
        let source = source
        return PresentImages(source: source, images: try await source.images(in: repository))
    }

    /// Those that are going to be replaced: there may be thousands of others.
    private func presentInBucket(_ repository: String, _ tags: [String]) async throws -> PresentImages {
        let source = source
        let images = try await Set(tags + ["latest"]).sorted().mapConcurrently(limit: 4) { [self] tag in
            let name = ImageName(repository: repository, tag: tag)
            // What is damaged or missing there is nothing to build upon.
            guard let digest = try await digest(of: name),
                let manifest = try? await source.manifest(Descriptor(untyped: digest), in: repository)
            else { return SourceImage?.none }
            return SourceImage(name: .full(name), descriptor: manifest.descriptor, repository: repository)
        }
        return PresentImages(source: source, images: images.compactMap { $0 })
    }

    /// A bucket asks for each look-up, and accepts nothing unless all that it refers to is there.
    package var holdsWholeImages: Bool { isRemote }
    package var isRemote: Bool { tree.isRemote }
    package func known(_ digest: Digest, in repository: String) async throws -> KnownImage { KnownImage() }
    package func referrers(of digest: Digest, in repository: String) async throws -> [Descriptor] {
        try await source.referrers(of: digest, in: repository)
    }

    package func advice() async -> [String] {
        (try? await Workers.blobs.run { [tree] in tree.advice() }) ?? []
    }

    /// Whether an entry of an index that is listed without a manifest's type is a manifest of the repository.
    private func isChild(_ entry: Descriptor, of manifest: Manifest, in repository: String) throws -> Bool {
        try manifest.kind == .index && entry.mayBeManifest
            && source.link(paths.revisionLink(entry.digest, repository)) != nil
    }

    package func freeSpace() async throws -> Int64? { try tree.freeSpace() }
    package func writeObstacle() async throws -> String? {
        try await Workers.blobs.run { [tree] in tree.writeObstacle() }
    }

    package func writer(for target: BlobTarget) throws -> any BlobWriter {
        try StoreBlobWriter(self, target: target)
    }

    /// Links to the blobs, the manifest's bytes, the link to it. Of a signed schema1 manifest a registry keeps what is
    /// signed, and signs it anew when it is asked for it.
    ///
    /// - Throws: `ImageError.damaged` if a blob of it, or a child that this run counted on, is not there.
    package func put(_ manifest: Manifest, in repository: String) async throws {
        try await Workers.commits.run { [self] in
            try tree.whileUsing { isRepeated in
                do {
                    try linkReferences(of: manifest, in: repository)
                } catch {
                    if isRepeated { try takeBack(manifest, in: repository) }
                    throw error
                }
                try write(manifest, in: repository)
            }
        }
    }

    /// Removes the links to a manifest whose content a garbage collection took while they were written.
    func takeBack(_ manifest: Manifest, in repository: String) throws {
        for digest in Set([manifest.digest, Digest(of: manifest.payload)]) {
            try tree.remove(paths.revisionLink(digest, repository))
        }
    }

    /// Lets the repository serve what the manifest refers to, which lies in the store, whoever brought it.
    private func linkReferences(of manifest: Manifest, in repository: String) throws {
        for blob in manifest.blobs where try !blob.staysAway && !isChild(blob, of: manifest, in: repository) {
            guard let target = try target(of: blob.digest, in: repository), try tree.keep(paths.blob(target)) != nil
            else {
                throw ImageError.damaged(
                    "\(title) lacks the blob \(blob.digest) of the manifest \(manifest.digest)")
            }
            try link(paths.layerLink(blob.digest, repository), to: target)
            if target != blob.digest { try link(paths.layerLink(target, repository), to: target) }
        }
        for child in manifest.children {
            let file = paths.revisionLink(child.digest, repository)
            if try tree.keep(file) == nil, reliance?.contains(file) == true {
                throw ImageError.damaged(
                    "\(title): the manifest \(child.digest), part of \(manifest.digest), was deleted from \(repository) "
                        + "in the meantime: run it again")
            }
        }
    }

    /// The manifest's bytes, and the links to it. With the store held for use.
    func write(_ manifest: Manifest, in repository: String) throws {
        try tree.makeDirectory("\(paths.repositories)/\(repository)/_layers")
        let target = Digest(of: manifest.payload)
        try tree.putKept(manifest.payload, at: paths.blob(target))
        if manifest.digest.algorithm != .sha256 { try link(paths.revisionLink(target, repository), to: target) }
        try link(paths.revisionLink(manifest.digest, repository), to: target)
        reliance?.add(paths.revisionLink(manifest.digest, repository))
    }

    /// The tag's history, then the tag; a new one comes with both at once.
    ///
    /// - Throws: `ImageError.notFound` if the repository has no such manifest.
    package func tag(_ descriptor: Descriptor, as name: ImageName) async throws {
        guard let tag = name.tag else { return }
        try await Workers.commits.run { [self] in
            let link = paths.revisionLink(descriptor.digest, name.repository)
            try tree.whileUsing { isRepeated in
                guard let bytes = try tree.readKept(link, limit: LinkFile.sizeLimit),
                    try !tree.isRemote || LinkFile(bytes).target.flatMap({ try tree.keep(paths.blob($0)) }) != nil
                else {
                    if isRepeated { try tree.remove(link) }
                    throw ImageError.notFound(
                        "\(title): \(name.repository) has no manifest \(descriptor.digest) to call \(tag)")
                }
                try tree.putKept(bytes, at: link)
            } then: {
                try setTag(tag, descriptor.digest, in: name.repository)
            }
        }
    }

    /// With the store held for use.
    func setTag(_ tag: String, _ digest: Digest, in repository: String) throws {
        if try makeTag(tag, digest, in: repository) { return }
        try link(paths.tagIndexLink(digest, tag, repository), to: digest)
        try link(paths.currentLink(tag, repository), to: digest)
    }

    /// A new tag, whole: a registry lists what has a history, and without the rest it would mean nothing.
    ///
    /// - Returns: false if there is one already.
    private func makeTag(_ tag: String, _ digest: Digest, in repository: String) throws -> Bool {
        let final = paths.tag(tag, repository)
        let links = [paths.tagIndexLink(digest, tag, repository), paths.currentLink(tag, repository)]
        return try tree.put(
            links.map { (String($0.dropFirst(final.count + 1)), Array(digest.description.utf8)) }, inNew: final)
    }

    package func finish() async throws { close() }
    package func abandon() async { close() }

    private func close() {
        tree.close()
        reliance?.forget()
    }

    /// Writes a link; keeps it if it says so already.
    func link(_ relative: String, to digest: Digest) throws {
        try tree.putKept(Array(digest.description.utf8), at: relative)
    }

    /// Bytes; nil if it is not there, or is a link, as which no registry keeps one.
    func size(ofBlob target: Digest) throws -> Int64? { try tree.size(of: paths.blob(target)) }
}

extension Store: ImageEditor, ReadsThroughSource {
    package func tag(_ image: SourceImage, as tag: String) async throws {
        try await self.tag(image.descriptor, as: ImageName(repository: image.repository ?? "", tag: tag))
        close()
    }

    package func untag(_ image: SourceImage) async throws {
        guard let tag = image.tag, let repository = image.repository,
            try await Workers.commits.run({ [self] in try deleteTag(tag, in: repository) }) != nil
        else { throw ImageError.notFound("\(title) has no tag for \(image.title)") }
    }

    package func delete(_ image: SourceImage) async throws {
        guard let repository = image.repository else { return }
        _ = try await Workers.commits.run { [self] in try deleteManifest(image.descriptor.digest, in: repository) }
    }
}

package import ByteStreams
package import FileTrees
package import ImageModel
package import ImageTransfer
import Synchronization

/// The images of an OCI layout: a directory, a tar, or a tar that streams by.
package final class OCISource: StreamedSource, KnowsAbsences, NamesBlobFiles {
    let tree: any FileTree
    private let list = Mutex<LayoutList?>(nil)
    private let subjects = Mutex<SubjectIndex?>(nil)
    private let contents = Mutex<ArchiveContents?>(nil)

    /// - Parameter path: a directory, an archive (plain or compressed), `-` for standard input; or one volume of a
    ///   set, the directory of one, or the name that it was given.
    /// - Throws: `ImageError.io` if it is not there.
    package convenience init(path: String, _ trees: TreeOpener = TreeOpener(.ofImages())) throws {
        self.init(try openArchive(path, trees))
    }

    package init(_ tree: any FileTree) { self.tree = tree }

    package var title: String { tree.title }
    package func reference(in repository: String?) -> ImageReference? {
        ImageReference(transport: tree is DirectoryTree ? .oci : .ociArchive, location: tree.path)
    }
    package var madeUpRepository: String { ImageName.repository(fromFile: tree.path == "-" ? "image" : tree.path) }

    package var order: SourceAccess { tree.access }

    package func drain(_ accept: (StreamedBlob) throws -> Digest) throws {
        try (tree as? StreamedTree)?.drain(accept)
    }

    package func listing() async throws -> SourceListing {
        try await Workers.blobs.run { [self] in try listEntries() }
    }

    package func listEntries() throws -> SourceListing {
        var listing = SourceListing()
        listing.remarks = try archiveContents().remarks
        let roots = try roots()
        let attachments = LayoutAttachments(roots) { [tree] digest in
            guard let bytes = (try? tree.document(OCIPaths.blob(digest))) ?? nil,
                Digest(of: bytes, algorithm: digest.algorithm) == digest
            else { return nil }
            return try? Document.object(from: bytes, name: "\(digest)")
        }
        var read = ReadManifests(source: self)
        for entry in roots {
            do {
                if var image = try image(of: entry, &read) {
                    if let name = attachments.name(of: entry) { image.name = name }
                    if let remark = entry.remark { listing.remarks.append("\(title): \(remark)") }
                    listing.images.append(image)
                } else {
                    listing.notes.append(Self.note(on: entry))
                }
            } catch {
                listing.broken.append(try broken(entry, error))
            }
        }
        return listing
    }

    /// An entry as an image, its manifest not read yet if it is known by its type and has a name.
    ///
    /// - Returns: nil for other content.
    private func image(of entry: LayoutEntry, _ read: inout ReadManifests) throws -> SourceImage? {
        let (name, descriptor) = (entry.name, entry.descriptor)
        var image = SourceImage(name: name, descriptor: descriptor)
        image.label = entry.label
        if descriptor.mediaType.isManifest {
            // What is wrong with it is told when it is copied.
            if name == .none { image.subject = try? read.facts(of: descriptor).subject }
            return image
        }
        guard descriptor.mayBeManifest else { return nil }
        do {
            let manifest = try read.facts(of: descriptor)
            image.descriptor.mediaType = manifest.descriptor.mediaType
            if name == .none { image.subject = manifest.subject }
            return image
        } catch let error as ImageError where error.code == .invalidDocument && !descriptor.mediaType.rawValue.isEmpty {
            return nil
        }
    }

    func broken(_ entry: LayoutEntry, _ error: any Error) throws -> BrokenImage {
        guard let broken = BrokenImage(name: entry.name, digest: entry.descriptor.digest, error: error) else {
            throw error
        }
        return broken
    }

    static func note(on entry: LayoutEntry) -> String {
        let type = entry.descriptor.mediaType
        return "\(entry.descriptor.digest) is no image"
            + (type.rawValue.isEmpty ? "" : ", but of the media type \(type)")
    }

    package func manifest(_ descriptor: Descriptor, in repository: String?) async throws -> Manifest {
        try await Workers.blobs.run { [self] in try manifest(of: descriptor) }
    }

    package func blob(_ descriptor: Descriptor, in repository: String?) async throws -> any ByteSource {
        DeferredSource { [tree, title] in
            guard let source = try tree.open(OCIPaths.blob(descriptor.digest)) else {
                throw ImageError.notFound("\(title) has no blob \(descriptor.digest)")
            }
            return source
        }
    }

    package func absence(of blob: Descriptor, in repository: String?) async throws -> BlobAbsence? {
        try await Workers.blobs.run { [self] in
            guard let absence = try tree.absence(of: blob, at: OCIPaths.blob(blob.digest)) else { return nil }
            return try archiveContents().absence(of: blob) ?? absence
        }
    }

    /// What the archive says of itself.
    package func archiveContents() throws -> ArchiveContents {
        try contents.withLock { contents in
            let known = try contents ?? ArchiveContents(tree)
            contents = known
            return known
        }
    }

    package func title(of blob: Digest) -> String {
        (tree as? VolumeTree)?.title(of: OCIPaths.blob(blob)) ?? title
    }

    /// Checks the signature of what the archive says is in it: of the very bytes that say it, which name the digest of
    /// `index.json`, as that names those of manifests.
    ///
    /// - Throws: `ImageError.signature`; `ImageError.refused` for what goes by once, as the signature comes last.
    package func checkSignature(by key: VerificationKey) async throws {
        try await Workers.blobs.run { [self] in
            guard access != .once else {
                throw ImageError.refused(
                    "\(title) goes by once, and its signature has to be checked before: put it into a file first")
            }
            guard let digest = try archiveContents().digest,
                let list = try tree.read(VolumePaths.packingList, limit: Document.listSizeLimit),
                let signature = try tree.read(VolumePaths.signature, limit: Document.sizeLimit)
            else { throw ImageError.damaged("\(title) is not signed: 'dray copy --sign' signs what it packs") }
            try key.check(signature, of: list, name: "\(title): the packing list")
            guard Digest(of: list) == digest else {
                throw ImageError.damaged("\(title): the packing list was changed while it was read")
            }
            _ = try layoutList()
        }
    }

    package func referrers(of digest: Digest, in repository: String?) async throws -> [Descriptor] {
        try await Workers.blobs.run { [self] in try referrers(of: digest) }
    }

    package func referrers(of digest: Digest) throws -> [Descriptor] {
        if let known = subjects.withLock({ $0 }) { return known.referrers(of: digest) }
        var found = SubjectIndex()
        // One manifest may have many names, and be listed by many indexes.
        var read: Set<Digest> = []
        var lists: Set<Digest> = []
        for entry in try index() {
            let isList = entry.name.tag.flatMap { ImageName.referredDigest(byTag: $0) } != nil
            let descriptor = entry.descriptor
            let isUnread = read.insert(descriptor.digest).inserted
            let isNewList = isList && lists.insert(descriptor.digest).inserted
            // An entry that is broken is told when it is copied.
            guard isUnread || isNewList, let manifest = try? manifest(of: descriptor) else { continue }
            if isUnread { found.add(manifest) }
            // A list under a fallback tag may name what the layout's index does not.
            for child in isNewList ? manifest.children : [] where read.insert(child.digest).inserted {
                if let child = try? self.manifest(of: child) { found.add(child) }
            }
        }
        subjects.withLock { [found] in $0 = found }
        return found.referrers(of: digest)
    }

    package func manifest(of descriptor: Descriptor) throws -> Manifest {
        if let flat = list.withLock({ $0 })?.flatIndex, flat.digest == descriptor.digest {
            try flat.check(against: descriptor, name: "\(title): \(OCIPaths.index)")
            return flat
        }
        return try tree.manifest(descriptor, at: OCIPaths.blob(descriptor.digest), title: title)
    }

    /// The entries of `index.json`.
    package func index() throws -> [LayoutEntry] { try layoutList().entries }

    /// The images of the layout: the entries of `index.json`, or that itself.
    func roots() throws -> [LayoutEntry] {
        let list = try layoutList()
        return list.flatIndex.map { [LayoutEntry($0.descriptor)] } ?? list.entries
    }

    private func layoutList() throws -> LayoutList {
        if let known = list.withLock({ $0 }) { return known }
        if let layout = try tree.read(OCIPaths.layout, limit: Document.sizeLimit) {
            let version = try OCILayoutFile(layout, name: "\(title): oci-layout").imageLayoutVersion
            guard OCILayoutFile.isKnown(version) else {
                throw ImageError.damaged("\(title): unsupported OCI layout version '\(version)'; expected 1.0")
            }
        }
        guard let new = try tree.identifiedList(LayoutList.self, at: OCIPaths.index) else {
            throw try ForeignMembers.error(of: tree)
        }
        guard try archiveContents().isIndex(new.digest) else {
            throw ImageError.damaged("\(title): index.json is not the one in the packing list")
        }
        // Another thread may have read it, too; all go by one.
        return list.withLock { list in
            if let list { return list }
            list = new.content
            return new.content
        }
    }
}

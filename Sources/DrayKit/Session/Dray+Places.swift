import ByteStreams
import FileTrees
package import ImageLayouts
import ObjectStorage
import RegistryClient
import RegistryStore

/// The place that a reference leads to, on this machine or at a registry.
extension Dray {
    /// - Throws: `ImageError.notFound` if nothing is there.
    package func source(_ reference: ImageReference) async throws -> any ImageSource {
        guard reference.transport != .registry else { return try await sources.source(reference) }
        return try localSource(reference)
    }

    /// Only what the reference names is taken from there.
    package func base(_ text: String) async throws -> BlobBase {
        let reference = try references.read(text)
        let source = try await source(reference)
        return try await BlobBase(source, try await source.listing(named: reference.name, digest: reference.digest))
    }

    private func localSource(_ reference: ImageReference) throws -> any ImageSource {
        let location = reference.location
        guard try !reference.isMissing else {
            throw ImageError.notFound("\(location): no such file or directory")
        }
        guard try !references.isDirectoryOfArchives(reference) else {
            throw ImageError.usage("\(location): a directory of archives; name one of them")
        }
        switch reference.transport {
        case .dockerArchive: return try DockerArchive(path: location, references.trees)
        case .oci, .ociArchive: return try OCISource(path: location, references.trees)
        case .store where reference.isBucket:
            return StoreSource(
                BucketTree(try buckets.place(location), listedDirectory: StoreSource.listedDirectory(of:)))
        case .store: return try StoreSource(path: location, references.trees)
        case .directory:
            guard !reference.isStandardStream else {
                throw ImageError.usage("\(reference): a dir: is a directory, and - is a stream")
            }
            guard try fileKind(location) == .directory else {
                let transport = try references.recognise(location)
                throw ImageError.foreign(
                    ForeignContent(
                        location, kind: "a file, where dir: is a directory",
                        advice: "name it as such: \(transport.prefix)\(location)", isReadable: true))
            }
            return ImageDirectory(path: location, name: reference.name)
        case .registry: throw Self.notLocal(reference)
        }
    }

    private static func notLocal(_ reference: ImageReference) -> ImageError {
        ImageError.usage("\(reference) is a registry, not a place on this machine")
    }

    /// - Parameter packing: of an `oci-archive:`.
    /// - Throws: `ImageError` for what cannot be written.
    package func destination(
        _ reference: ImageReference, packing: ArchivePacking? = nil
    ) async throws -> any ImageDestination {
        guard reference.digest == nil else {
            throw ImageError.usage("\(reference): a destination has no digest; that is what comes out")
        }
        guard packing == nil || reference.transport == .ociArchive else {
            throw ImageError.usage(
                "\(reference): deltas, volumes and signatures are for an oci-archive:, which this is not")
        }
        guard reference.transport != .registry else { return try await destinations.destination(reference) }
        try reference.checkName()
        return try localDestination(reference, packing)
    }

    private func localDestination(
        _ reference: ImageReference, _ packing: ArchivePacking?
    ) throws -> any ImageDestination {
        let (transport, location, name) = (reference.transport, reference.location, reference.name)
        if reference.isBucket { return Store(StoreBucket(try buckets.place(location)), name: name) }
        let kind = reference.isStandardStream ? .other : try fileKind(location)
        if !reference.isArchive, kind != nil, kind != .directory {
            let what = reference.isStandardStream ? "a stream" : kind == .file ? "a file" : "no directory"
            throw ImageError.usage("\(reference) is \(what), and \(transport.rawValue): is written into a directory")
        }
        if reference.isArchive, kind == .directory {
            throw ImageError.usage(
                "\(reference) is a directory, and \(transport.rawValue): writes a file: name one in it")
        }
        switch transport {
        case .dockerArchive: return ArchiveDestination(.docker, path: location, name: name)
        case .ociArchive: return ArchiveDestination(.oci, path: location, name: name, packing: packing)
        case .oci: return OCILayout(path: location, name: name)
        case .store: return Store(path: location, name: name)
        case .directory: return ImageDirectory(path: location, name: name)
        case .registry: throw Self.notLocal(reference)
        }
    }

    /// The store whose garbage is to be collected.
    ///
    /// - Parameter root: a directory, or `s3://BUCKET/PREFIX`.
    package func collectedStore(_ root: String) throws -> any CollectedStore {
        root.hasPrefix(BucketName.scheme) ? StoreBucket(try buckets.place(root)) : StoreDirectory(root)
    }

    /// The place whose names are to be changed.
    ///
    /// - Throws: `ImageError.refused` for archives.
    package func editor(_ reference: ImageReference) async throws -> any ImageEditor {
        guard reference.transport != .registry else { return try await sources.source(reference) }
        let location = reference.location
        if reference.isBucket { return Store(StoreBucket(try buckets.place(location))) }
        let kind = try fileKind(location)
        guard kind != nil else { throw ImageError.notFound("\(location): no such file or directory") }
        if kind == .directory {
            switch reference.transport {
            case .oci: return OCILayout(path: location)
            case .store: return Store(path: location)
            case .directory: return ImageDirectory(path: location)
            case .dockerArchive, .ociArchive, .registry: break
            }
        }
        throw ImageError.refused(
            "\(location) is an archive, which is not changed where it is: "
                + "dray copy \(reference) oci:DIR, change that, and copy it to a new archive")
    }

    /// What is to be verified.
    ///
    /// - Throws: `ImageError.notFound` if nothing is there.
    package func verifiedPlace(_ reference: ImageReference) async throws -> any VerifiedPlace {
        guard let place = try await source(reference) as? any VerifiedPlace else {
            throw ImageError.refused("\(reference) cannot be verified")
        }
        return place
    }

    /// The place in which what is damaged is to be put right.
    ///
    /// - Parameter keepsReplaced: whether what is replaced goes into `.dray/quarantine`.
    /// - Throws: `ImageError.refused` for archives.
    package func mendablePlace(_ reference: ImageReference, keepsReplaced: Bool) async throws -> any MendablePlace {
        guard reference.transport != .registry else {
            guard !keepsReplaced else {
                throw ImageError.usage(
                    "\(reference): --quarantine is for places on this machine: a registry keeps nothing aside")
            }
            return try await destinations.destination(reference)
        }
        let location = reference.location
        if reference.isBucket {
            guard !keepsReplaced else {
                throw ImageError.usage("\(reference): --quarantine is for places on this machine")
            }
            return Store(StoreBucket(try buckets.place(location)))
        }
        guard try !reference.isStandardStream && fileKind(location) == .directory, reference.transport.isEditable
        else {
            throw ImageError.refused(
                "\(location) is an archive, which is not changed where it is: dray copy --keep-going \(reference) "
                    + "oci:DIR, dray copy SOURCE oci:DIR for what failed, and dray copy oci:DIR to a new archive")
        }
        let shared = reference.transport == .oci ? OCIPaths.blobs : nil
        let quarantine = keepsReplaced ? try Quarantine(DirectoryHandle.make(location, shared: shared)) : nil
        switch reference.transport {
        case .oci: return OCILayout(path: location, quarantine: quarantine)
        case .store: return Store(path: location, name: nil, servesOthers: false, quarantine: quarantine)
        case .directory: return ImageDirectory(path: location, quarantine: quarantine)
        case .dockerArchive, .ociArchive, .registry:
            throw ImageError.refused("\(reference) cannot be mended as a directory")
        }
    }
}

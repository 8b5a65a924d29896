import ByteStreams
import ImageModel
import ImageTransfer

/// A source in memory that differs from `MemoryPlace` in one or two answers.
struct AlteredSource: KnowsAbsences {
    let base: MemoryPlace
    /// The reference of the whole place.
    var reference: ImageReference?
    /// The listing, where it is not that of the base.
    var listed: SourceListing?
    /// Bytes that are not those of the base.
    var blobs: [Digest: [UInt8]] = [:]
    var absences: [Digest: BlobAbsence] = [:]

    init(_ base: MemoryPlace, _ change: (inout AlteredSource) -> Void) {
        self.base = base
        change(&self)
    }

    var title: String { base.title }
    var madeUpRepository: String { base.madeUpRepository }

    func reference(in repository: String?) -> ImageReference? {
        var reference = reference
        reference?.name = repository
        return reference
    }
    func listing() async throws -> SourceListing {
        if let listed { return listed }
        return try await base.listing()
    }
    func manifest(_ descriptor: Descriptor, in repository: String?) async throws -> Manifest {
        try await base.manifest(descriptor, in: repository)
    }
    func blob(_ descriptor: Descriptor, in repository: String?) async throws -> any ByteSource {
        if let bytes = blobs[descriptor.digest] { return BytesSource(bytes) }
        return try await base.blob(descriptor, in: repository)
    }
    func referrers(of digest: Digest, in repository: String?) async throws -> [Descriptor] {
        try await base.referrers(of: digest, in: repository)
    }
    func absence(of blob: Descriptor, in repository: String?) async throws -> BlobAbsence? {
        if let absence = absences[blob.digest] { return absence }
        return try await base.absence(of: blob, in: repository)
    }
}

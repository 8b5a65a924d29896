package import ByteStreams
package import ImageModel

/// What a place holds: small enough to be carried to where the next delta for it is packed.
///
/// ```json
/// {"mediaType": "application/vnd.dray.inventory.v1+json",
///  "repositories": [
///    {"name": "team/app",                                        absent where a place is one repository
///     "tags": {"1.0": "sha256:…"},
///     "blobs": [{"digest": "sha256:…", "size": 1234}],           up to 100 of them; beyond that
///     "packedBlobs": "base64"}]}                                 32 bytes of SHA-256 and 8 of size each, big-endian
/// ```
/// A blob stands once, in the first repository that has it. Everything is sorted, so that the same content gives
/// the same bytes.
package struct Inventory: Sendable {
    package struct Repository: Sendable {
        /// nil where the place is a single repository: a layout, an archive.
        package var name: String?
        /// What the names of images mean: tags, or full names where there is no repository.
        package var tags: [String: Digest] = [:]
        /// By digest.
        package var blobs: [BlobRecord] = []
    }

    package let repositories: [Repository]
    /// Of the document.
    package let digest: Digest
    private let places: [Digest: Place]

    private struct Place {
        let size: Int64
        /// The repository's position.
        let repository: Int
    }

    /// Reads a document.
    ///
    /// - Parameter name: of the document, for messages.
    /// - Throws: `ImageError`.
    package init(reading source: any ByteSource, name: String) throws {
        let source = HashingSource(source)
        var reader = DocumentReader(source, name: name)
        let repositories = try Inventory.repositories(from: &reader)
        try reader.expectEnd()
        self.init(repositories, digest: source.digest())
    }

    /// - Throws: `ImageError` if it is larger than what is read.
    init(_ repositories: [Repository]) throws {
        var hasher = DigestHasher(.sha256)
        try withoutActuallyEscaping({ hasher.update($0) }) { try Self.write(repositories, to: $0) }
        self.init(repositories, digest: hasher.finalize())
    }

    private init(_ repositories: [Repository], digest: Digest) {
        self.repositories = repositories
        self.digest = digest
        var places: [Digest: Place] = [:]
        for (position, repository) in repositories.enumerated() {
            for blob in repository.blobs where places[blob.digest] == nil {
                places[blob.digest] = Place(size: blob.size, repository: position)
            }
        }
        self.places = places
    }

    /// Writes the document.
    package func write(to sink: any ByteSink) throws { try Self.write(repositories) { try sink.write($0) } }

    package var blobCount: Int { places.count }

    /// Whether a blob is in it, at the size that its descriptor says.
    package func has(_ blob: Descriptor) -> Bool { places[blob.digest]?.size == blob.size }

    /// One that has the blob; nil if none does, or the place is a single repository.
    package func repository(of blob: Digest) -> String? {
        places[blob].flatMap { repositories[$0.repository].name }
    }
}

/// A blob, by what identifies it.
package struct BlobRecord: Hashable, Sendable, Codable {
    package var digest: Digest
    /// Bytes.
    package var size: Int64

    package init(digest: Digest, size: Int64) {
        self.digest = digest
        self.size = size
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        digest = try container.decode(Digest.self, forKey: .digest)
        size = try container.decode(Int64.self, forKey: .size)
        guard (0...Descriptor.sizeLimit).contains(size) else {
            throw DecodingError.dataCorruptedError(
                forKey: .size, in: container, debugDescription: "no blob has the size \(size)")
        }
    }
}

import ImageModel

/// An inventory as JSON.
struct InventoryDocument: Codable {
    static let mediaType = MediaType("application/vnd.dray.inventory.v1+json")
    /// Blobs of a repository that are written out; more are packed.
    private static let mostWritten = 100
    private static let recordSize = 40

    var mediaType = mediaType
    var repositories: [Repository]

    struct Repository: Codable {
        var name: String?
        var tags: [String: Digest]
        var blobs: [BlobRecord]?
        var packedBlobs: String?
    }

    init(_ repositories: [Inventory.Repository]) {
        self.repositories = repositories.map { repository in
            var document = Repository(name: repository.name, tags: repository.tags)
            var written = repository.blobs
            if written.count > Self.mostWritten {
                written = repository.blobs.filter { $0.digest.algorithm != .sha256 }
                document.packedBlobs = Base64.encode(
                    repository.blobs.filter { $0.digest.algorithm == .sha256 }.flatMap(Self.pack))
            }
            document.blobs = written
            return document
        }
    }

    /// - Throws: `DocumentError` if it is no inventory.
    func checked(_ name: String) throws -> [Inventory.Repository] {
        guard mediaType == Self.mediaType else {
            throw DocumentError("\(name) is no inventory (its media type is \(mediaType)): 'dray inventory' makes one")
        }
        return try repositories.map { document in
            if let name = document.name, !ImageName.isRepository(name) {
                throw DocumentError("the inventory names the repository '\(name.prefix(80))', which no registry has")
            }
            var blobs = document.blobs ?? []
            if let packed = document.packedBlobs {
                guard let bytes = Base64.decode(packed), bytes.count % Self.recordSize == 0 else {
                    throw DocumentError("\(name): packedBlobs is not base64 of \(Self.recordSize) bytes for each blob")
                }
                blobs += try stride(from: 0, to: bytes.count, by: Self.recordSize).map { start in
                    try Self.unpack(bytes[start..<start + Self.recordSize], name)
                }
            }
            return Inventory.Repository(name: document.name, tags: document.tags, blobs: blobs)
        }
    }

    private static func pack(_ blob: BlobRecord) -> [UInt8] {
        let hex = Array(blob.digest.hex.utf8)
        func value(_ digit: UInt8) -> UInt8 { digit < 58 ? digit - 48 : digit - 87 }
        let hash = stride(from: 0, to: hex.count, by: 2).map { value(hex[$0]) << 4 | value(hex[$0 + 1]) }
        return hash + (0..<8).map { UInt8(truncatingIfNeeded: blob.size >> (56 - 8 * $0)) }
    }

    private static func unpack(_ bytes: ArraySlice<UInt8>, _ name: String) throws -> BlobRecord {
        let size = bytes.suffix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard let digest = Digest(.sha256, hex: bytes.prefix(32).hexadecimal), size <= UInt64(Descriptor.sizeLimit)
        else { throw DocumentError("\(name): a packed blob has a size that none has") }
        return BlobRecord(digest: digest, size: Int64(size))
    }
}

import ImageModel

/// An inventory as JSON: read and written as a stream.
extension Inventory {
    private static let mediaType = MediaType("application/vnd.dray.inventory.v1+json")
    /// Blobs of a repository that are written out; more are packed.
    private static let mostWritten = 100
    private static let recordSize = 40

    // MARK: Reading

    /// - Throws: `ImageError` if it is no inventory.
    static func repositories(from reader: inout DocumentReader) throws -> [Repository] {
        struct Rest: Decodable { var mediaType: MediaType }
        var repositories: [Repository]?
        let rest = try reader.object { reader, key in
            guard key == "repositories" else { return false }
            var found: [Repository] = []
            try reader.array { found.append(try repository(from: &$0)) }
            repositories = found
            return true
        }
        let type = try Document.decode(Rest.self, from: rest, name: reader.name).mediaType
        guard type == mediaType else {
            throw ImageError.invalidDocument(
                "\(reader.name) is no inventory (its media type is \(type)): 'dray inventory' makes one")
        }
        guard let repositories else { throw reader.wrong("'repositories' is missing") }
        return repositories
    }

    private static func repository(from reader: inout DocumentReader) throws -> Repository {
        var repository = Repository()
        var packed: [BlobRecord] = []
        var hasTags = false
        try reader.object { reader, key in
            switch key {
            case "name":
                guard try !reader.takesNull() else { return true }
                let name = try reader.string()
                guard ImageName.isRepository(name) else {
                    throw ImageError.invalidDocument(
                        "the inventory names the repository '\(name.prefix(80))', which no registry has")
                }
                repository.name = name
            case "tags":
                hasTags = true
                try reader.object { reader, tag in
                    let text = try reader.string()
                    guard let digest = Digest(text) else {
                        throw reader.wrong("'\(text.prefix(200))' is not a sha256 or sha512 digest")
                    }
                    repository.tags[tag] = digest
                    return true
                }
            case "blobs":
                guard try !reader.takesNull() else { return true }
                try reader.array(of: BlobRecord.self) { repository.blobs.append($0) }
            case "packedBlobs":
                guard try !reader.takesNull() else { return true }
                packed = try packedBlobs(from: &reader)
            default: return false
            }
            return true
        }
        guard hasTags else { throw reader.wrong("'tags' is missing") }
        repository.blobs += packed
        return repository
    }

    private static func packedBlobs(from reader: inout DocumentReader) throws -> [BlobRecord] {
        let name = reader.name
        var blobs: [BlobRecord] = []
        var text: [UInt8] = []
        var rest: [UInt8] = []
        func wrong() -> ImageError {
            ImageError.invalidDocument("\(name): packedBlobs is not base64 of \(recordSize) bytes for each blob")
        }
        func decode(_ base64: ArraySlice<UInt8>) throws {
            guard let bytes = Base64.decode(String(decoding: base64, as: UTF8.self)) else { throw wrong() }
            rest += bytes
            let whole = rest.count / recordSize * recordSize
            for start in stride(from: 0, to: whole, by: recordSize) {
                blobs.append(try unpack(rest[start..<start + recordSize], name))
            }
            rest.removeFirst(whole)
        }
        try reader.string { piece in
            // A slash may be escaped.
            let isEscape = piece.first == UInt8(ascii: "\\")
            guard !isEscape || piece.elementsEqual(#"\/"#.utf8) else { throw wrong() }
            text += piece.dropFirst(isEscape ? 1 : 0)
            guard text.count >= 64 << 10 else { return }
            // Padding is for the end alone.
            let whole = text.count / 4 * 4 - 4
            guard text[whole - 1] != UInt8(ascii: "=") else { throw wrong() }
            try decode(text[..<whole])
            text.removeFirst(whole)
        }
        try decode(text[...])
        guard rest.isEmpty else { throw wrong() }
        return blobs
    }

    private static func unpack(_ bytes: ArraySlice<UInt8>, _ name: String) throws -> BlobRecord {
        let size = bytes.suffix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard size <= UInt64(Descriptor.sizeLimit) else {
            throw ImageError.invalidDocument("\(name): a packed blob has a size that none has")
        }
        return BlobRecord(digest: Digest(sha256: bytes.prefix(32)), size: Int64(size))
    }

    // MARK: Writing

    static func write(
        _ repositories: [Repository], to sink: @escaping (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        try DocumentWriter.write(name: "the inventory", to: sink) { writer in
            try writer.object { writer in
                try writer.member("mediaType", mediaType.rawValue)
                try writer.member("repositories")
                try writer.array { writer in
                    for repository in repositories { try write(repository, to: &writer) }
                }
            }
        }
        try [UInt8(ascii: "\n")].withUnsafeBytes { try sink($0) }
    }

    private static func write(_ repository: Repository, to writer: inout DocumentWriter) throws {
        let isPacked = repository.blobs.count > mostWritten
        try writer.object { writer in
            try writer.member(
                "blobs", array: repository.blobs.lazy.filter { !isPacked || $0.digest.algorithm != .sha256 })
            if let name = repository.name {
                try writer.member("name", name)
            }
            if isPacked {
                try writer.member("packedBlobs")
                try writePacked(repository.blobs, to: &writer)
            }
            try writer.member("tags")
            try writer.object { writer in
                for (tag, digest) in repository.tags.sorted(by: { $0.key < $1.key }) {
                    try writer.member(tag, digest.description)
                }
            }
        }
    }

    private static func writePacked(_ blobs: [BlobRecord], to writer: inout DocumentWriter) throws {
        var position = 0
        try writer.string {
            // 3000 records are a whole number of base64's groups.
            let part = blobs[position...].prefix(3000)
            position += part.count
            guard !part.isEmpty else { return nil }
            var bytes: [UInt8] = []
            for blob in part {
                guard let packed = PackedDigest(blob.digest) else { continue }
                packed.append(to: &bytes)
                withUnsafeBytes(of: blob.size.bigEndian) { bytes += $0 }
            }
            return Array(Base64.encode(bytes).utf8)
        }
    }
}

import FileTrees
package import ImageModel
import ImageTransfer

/// What is in an archive, or in a set of volumes, and what a delta leaves out.
///
/// ```json
/// {"mediaType": "application/vnd.dray.packing-list.v1+json",
///  "index": {"digest": "sha256:…", "size": 1},          index.json, which is in every volume
///  "manifests": [{"digest": "sha256:…", "size": 1}],    likewise
///  "volumes": [{"blobs": [{"digest": "sha256:…", "size": 1}],
///               "parts": [{"blob": "sha256:…", "offset": 0, "digest": "sha256:…", "size": 1}]}],
///  "recoveryVolumes": 0,
///  "inventory": "sha256:…",                             of a delta: whose blobs were left out
///  "otherInventories": ["sha256:…"],                    likewise, where there are several
///  "absent": [{"digest": "sha256:…", "size": 1, "repository": "team/app"}]}
/// ```
struct PackingList {
    private static let mediaType = MediaType("application/vnd.dray.packing-list.v1+json")
    /// Volumes of a set, those for recovery included: what Reed-Solomon can do over bytes.
    static let volumeLimit = 255

    struct Volume: Sendable {
        var blobs: [BlobRecord] = []
        var parts: [Part] = []
    }

    /// Of a blob that lies in several volumes.
    struct Part: Hashable, Sendable, Codable {
        var blob: Digest
        var offset: Int64
        /// Of the part's own bytes.
        var digest: Digest
        var size: Int64
    }

    struct Absent: Hashable, Sendable, Codable {
        var digest: Digest
        var size: Int64
        var repository: String?
    }

    var index: BlobRecord
    var manifests: [BlobRecord]
    var volumes: [Volume]
    var recoveryVolumes = 0
    var inventory: Digest?
    var otherInventories: [Digest]?
    var absent: [Absent]
}

extension PackingList: ListDocument {
    // MARK: Reading

    /// - Throws: `ImageError` for what no packer writes.
    init(_ reader: inout DocumentReader) throws {
        struct Rest: Decodable {
            var mediaType: MediaType
            var index: BlobRecord
            var recoveryVolumes: Int
            var inventory: Digest?
        }
        var manifests: [BlobRecord] = []
        var volumes: [Volume] = []
        var absent: [Absent] = []
        var lists: Set = ["manifests", "volumes", "absent"]
        let text = try reader.object { reader, key in
            guard lists.remove(key) != nil else { return false }
            switch key {
            case "manifests": try reader.array(of: BlobRecord.self) { manifests.append($0) }
            case "volumes":
                try reader.array { reader in
                    volumes.append(try Volume(&reader))
                    guard volumes.count <= Self.volumeLimit else {
                        throw ImageError.invalidDocument(
                            "\(reader.name) tells of more volumes than the \(Self.volumeLimit) that a set has at most")
                    }
                }
            default: try reader.array(of: Absent.self) { absent.append($0) }
            }
            return true
        }
        if let missing = lists.min() { throw reader.wrong("'\(missing)' is missing") }
        let rest = try Document.decode(Rest.self, from: text, name: reader.name)
        self.init(index: rest.index, manifests: manifests, volumes: volumes, absent: absent)
        (recoveryVolumes, inventory) = (rest.recoveryVolumes, rest.inventory)
        guard rest.mediaType == Self.mediaType else {
            throw ImageError.invalidDocument("\(reader.name) is of the unknown type \(rest.mediaType)")
        }
        try check(name: reader.name)
    }

    private func check(name: String) throws {
        guard !volumes.isEmpty, recoveryVolumes >= 0, recoveryVolumes <= Self.volumeLimit,
            volumes.count + recoveryVolumes <= Self.volumeLimit
        else {
            throw ImageError.invalidDocument(
                "\(name) tells of \(volumes.count) volumes, and a set has 1 to \(Self.volumeLimit)")
        }
        if let other = absent.compactMap(\.repository).first(where: { !ImageName.isRepository($0) }) {
            throw ImageError.invalidDocument(
                "\(name) names the repository '\(other.prefix(80))', which no registry has")
        }
        for parts in Dictionary(grouping: volumes.flatMap(\.parts), by: \.blob).values {
            var end: Int64 = 0
            for part in parts.sorted(by: { $0.offset < $1.offset }) {
                guard part.offset == end, (1...Descriptor.sizeLimit).contains(part.size) else {
                    throw ImageError.invalidDocument("\(name): the parts of \(part.blob) do not join")
                }
                end = end.addingSaturated(part.size)
            }
        }
    }

    // MARK: Writing

    /// - Throws: `ImageError` if it is larger than what is read.
    func encoded() throws -> [UInt8] {
        try DocumentWriter.bytes(name: "the packing list") { writer in
            try writer.object { writer in
                try writer.member("absent", array: absent)
                try writer.member("index", index)
                if let inventory {
                    try writer.member("inventory", inventory)
                }
                try writer.member("manifests", array: manifests)
                try writer.member("mediaType", Self.mediaType)
                try writer.member("recoveryVolumes", recoveryVolumes)
                try writer.member("volumes")
                try writer.array { writer in
                    for volume in volumes {
                        try writer.object { writer in
                            try writer.member("blobs", array: volume.blobs)
                            try writer.member("parts", array: volume.parts)
                        }
                    }
                }
            }
        }
    }
}

extension PackingList.Volume {
    fileprivate init(_ reader: inout DocumentReader) throws {
        var lists: Set = ["blobs", "parts"]
        try reader.object { reader, key in
            guard lists.remove(key) != nil else { return false }
            if key == "blobs" {
                try reader.array(of: BlobRecord.self) { blobs.append($0) }
            } else {
                try reader.array(of: PackingList.Part.self) { parts.append($0) }
            }
            return true
        }
        if let missing = lists.min() { throw reader.wrong("'\(missing)' is missing") }
    }
}

/// Which volume of which set an archive is.
package struct VolumePlace: Hashable, Sendable, Codable {
    /// The packing list's digest.
    package var set: Digest
    /// From 1; recovery volumes follow the others.
    package var volume: Int
    /// How many there are.
    package var volumes: Int
    var recoveryVolumes: Int
}

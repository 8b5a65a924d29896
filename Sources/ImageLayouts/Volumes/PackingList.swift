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
struct PackingList: Sendable, Codable {
    static let mediaType = MediaType("application/vnd.dray.packing-list.v1+json")
    /// Volumes of a set, those for recovery included: what Reed-Solomon can do over bytes.
    static let volumeLimit = 255

    struct Volume: Sendable, Codable {
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

    private var mediaType = mediaType
    var index: BlobRecord
    var manifests: [BlobRecord]
    var volumes: [Volume]
    var recoveryVolumes = 0
    var inventory: Digest?
    var otherInventories: [Digest]?
    var absent: [Absent]

    init(index: BlobRecord, manifests: [BlobRecord], volumes: [Volume], absent: [Absent]) {
        self.index = index
        self.manifests = manifests
        self.volumes = volumes
        self.absent = absent
    }

    /// - Throws: `DocumentError` for what no packer writes.
    init(_ bytes: [UInt8], name: String) throws {
        self = try Document.decode(Self.self, from: bytes, name: name, sizeLimit: Document.indexSizeLimit)
        guard mediaType == Self.mediaType else { throw DocumentError("\(name) is of the unknown type \(mediaType)") }
        guard !volumes.isEmpty, recoveryVolumes >= 0, recoveryVolumes <= Self.volumeLimit,
            volumes.count + recoveryVolumes <= Self.volumeLimit
        else {
            throw DocumentError("\(name) tells of \(volumes.count) volumes, and a set has 1 to \(Self.volumeLimit)")
        }
        if let other = absent.compactMap(\.repository).first(where: { !ImageName.isRepository($0) }) {
            throw DocumentError("\(name) names the repository '\(other.prefix(80))', which no registry has")
        }
        for parts in Dictionary(grouping: volumes.flatMap(\.parts), by: \.blob).values {
            var end: Int64 = 0
            for part in parts.sorted(by: { $0.offset < $1.offset }) {
                guard part.offset == end, (1...Descriptor.sizeLimit).contains(part.size) else {
                    throw DocumentError("\(name): the parts of \(part.blob) do not join")
                }
                end = end.addingSaturated(part.size)
            }
        }
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

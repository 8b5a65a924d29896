package import FileTrees
import ImageModel
import ImageTransfer

/// What a recovery volume says of itself.
///
/// ```
/// set.recovery-1.tar
///   dray/parity                            Reed-Solomon over the volumes' files, zeros behind the shorter ones
///   dray/packing-list.json  dray/volume.json  dray/packing-list.json.minisig
///   dray/recovery.json
/// ```
/// ```json
/// {"mediaType": "application/vnd.dray.recovery.v1+json",
///  "set": "sha256:…", "number": 1, "recoveryVolumes": 2,
///  "parity": {"digest": "sha256:…", "size": 1},
///  "volumes": [{"digest": "sha256:…", "size": 1}]}      the whole files, in their order
/// ```
/// The code is ErasureCode's, with the volumes as data shards.
package struct RecoveryFile: Codable, Sendable {
    static let mediaType = MediaType("application/vnd.dray.recovery.v1+json")
    static let path = "dray/recovery.json"
    static let parityPath = "dray/parity"

    var mediaType = mediaType
    var set: Digest
    /// From 1.
    var number: Int
    var recoveryVolumes: Int
    var parity: BlobRecord
    var volumes: [BlobRecord]
}

extension RecoveryFile {
    /// - Returns: nil for what is no recovery volume.
    /// - Throws: `ImageError` for what no packer writes.
    package init?(in tree: any FileTree) throws {
        guard let bytes = try tree.read(Self.path, limit: Document.sizeLimit) else { return nil }
        let name = "\(tree.title): \(Self.path)"
        self = try Document.decode(Self.self, from: bytes, name: name)
        guard mediaType == Self.mediaType, !volumes.isEmpty, (1...PackingList.volumeLimit).contains(recoveryVolumes),
            (1...recoveryVolumes).contains(number), volumes.count + recoveryVolumes <= PackingList.volumeLimit,
            parity.size == volumes.map(\.size).max(), try tree.size(of: Self.parityPath) == parity.size
        else { throw ImageError.invalidDocument("\(name) does not fit the volume that it is in") }
    }
}

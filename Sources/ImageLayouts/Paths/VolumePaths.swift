import ImageModel

/// What an OCI archive has beside its layout where it is a delta, a volume of a set, or signed.
///
/// ```
/// oci-layout  index.json                      of the whole set, in every volume
/// blobs/sha256/<hex>                          every manifest of the set, and this volume's own blobs
/// dray/parts/<algorithm>/<hex>/<offset>       a part of a blob that is larger than a volume
/// dray/packing-list.json                      what is in the set: the same bytes in every volume
/// dray/packing-list.json.minisig              the packer's signature of it, as minisign writes it
/// dray/volume.json                            which volume this is
/// ```
/// The set goes by the packing list's digest. A recovery volume has no layout: see RecoveryFile.
enum VolumePaths {
    static let packingList = "dray/packing-list.json"
    static let signature = "dray/packing-list.json.minisig"
    static let place = "dray/volume.json"

    static func part(_ blob: Digest, at offset: Int64) -> String {
        "dray/parts/\(blob.algorithm.rawValue)/\(blob.hex)/\(offset)"
    }
}

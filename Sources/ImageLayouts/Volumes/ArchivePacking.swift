import ByteStreams
public import ImageModel
public import ImageTransfer

/// What an OCI archive is to be beside a layout in a tar: a delta, a set of volumes, signed.
public struct ArchivePacking: Sendable {
    /// What the far side has: layers that are in any of these are left out.
    public var have: [Inventory] = []
    /// Bytes that a volume has at most; nil for one tar, however large.
    public var volumeSize: Int64?

    /// Volumes that make up for as many lost ones; only with a volume size.
    public var recoveryVolumes = 0
    /// Signs the packing list.
    public var signingKey: SigningKey?

    public init() {}

    /// - Parameters:
    ///   - index: the bytes of index.json.
    ///   - packed: all blobs that are in the volumes.
    func list(
        index: [UInt8], manifests: [Manifest], volumes: [PackingList.Volume], packed: Set<Digest>
    ) throws -> PackingList {
        var absent: [Digest: PackingList.Absent] = [:]
        for blob in manifests.flatMap(\.blobs) where !packed.contains(blob.digest) {
            guard let inventory = have.first(where: { $0.has(blob) }) else { continue }
            absent[blob.digest] = PackingList.Absent(
                digest: blob.digest, size: blob.size, repository: inventory.repository(of: blob.digest))
        }
        var list = PackingList(
            index: BlobRecord(digest: Digest(of: index), size: Int64(index.count)),
            manifests: manifests.map { BlobRecord(digest: $0.digest, size: $0.size) }, volumes: volumes,
            absent: absent.values.sorted { $0.digest < $1.digest })
        list.inventory = have.first?.digest
        list.otherInventories = have.count > 1 ? have.dropFirst().map(\.digest) : nil
        list.recoveryVolumes = recoveryVolumes
        guard volumes.count + recoveryVolumes <= PackingList.volumeLimit else {
            throw TransferError.refused(
                "\(volumes.count) volumes and \(recoveryVolumes) for recovery are more than the \(PackingList.volumeLimit) that "
                    + "a set has at most: choose a larger --volume-size")
        }
        return list
    }

    /// The last members of a volume.
    func files(_ list: PackingList, volume: Int) throws -> [(path: String, bytes: [UInt8])] {
        let bytes = try Document.encode(list)
        guard bytes.count <= Document.indexSizeLimit else {
            throw TransferError.refused(
                "the packing list would have \(bytes.count) bytes, and \(Document.indexSizeLimit) are the limit: pack fewer "
                    + "images at a time")
        }
        let place = VolumePlace(
            set: Digest(of: bytes), volume: volume, volumes: list.volumes.count, recoveryVolumes: list.recoveryVolumes)
        var files = [(VolumePaths.packingList, bytes), (VolumePaths.place, try Document.encode(place))]
        if let signingKey {
            files.append((VolumePaths.signature, try signingKey.sign(bytes, comment: "packing list \(place.set)")))
        }
        return files
    }
}

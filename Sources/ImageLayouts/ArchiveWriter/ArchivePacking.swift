import ByteStreams
package import ImageModel
package import ImageTransfer

/// What an OCI archive is to be beside a layout in a tar: a delta, a set of volumes, signed.
package struct ArchivePacking: Sendable {
    /// What the far side has: layers that are in any of these are left out.
    package var have: [Inventory] = []
    /// Bytes that a volume has at most; nil for one tar, however large.
    package var volumeSize: Int64?

    /// Volumes that make up for as many lost ones; only with a volume size.
    package var recoveryVolumes = 0
    /// Signs the packing list.
    package var signingKey: SigningKey?

    package init() {}

    /// - Parameters:
    ///   - documents: of the archive.
    ///   - packed: all blobs that are in the volumes.
    func list(
        documents: [ArchiveFile], manifests: [Manifest], volumes: [PackingList.Volume], packed: Set<Digest>
    ) throws -> WrittenPackingList {
        guard let index = documents.first(where: { $0.path == OCIPaths.index }) else {
            preconditionFailure("an archive has an index")
        }
        var absent: [Digest: PackingList.Absent] = [:]
        for blob in manifests.lazy.flatMap(\.blobs) where !packed.contains(blob.digest) {
            guard let inventory = have.first(where: { $0.has(blob) }) else { continue }
            absent[blob.digest] = PackingList.Absent(
                digest: blob.digest, size: blob.size, repository: inventory.repository(of: blob.digest))
        }
        let list = PackingList(
            index: try index.record(), manifests: manifests.map { BlobRecord(digest: $0.digest, size: $0.size) },
            volumes: volumes, recoveryVolumes: recoveryVolumes, inventory: have.first?.digest,
            otherInventories: have.count > 1 ? have.dropFirst().map(\.digest) : nil,
            absent: absent.values.sorted { $0.digest < $1.digest })
        guard volumes.count + recoveryVolumes <= PackingList.volumeLimit else {
            throw ImageError.refused(
                "\(volumes.count) volumes and \(recoveryVolumes) for recovery are more than the \(PackingList.volumeLimit) that "
                    + "a set has at most: choose a larger --volume-size")
        }
        return try WrittenPackingList(list)
    }

    /// The last members of a volume.
    func files(_ list: WrittenPackingList, volume: Int) throws -> [ArchiveFile] {
        let place = VolumePlace(
            set: list.digest, volume: volume, volumes: list.content.volumes.count,
            recoveryVolumes: list.content.recoveryVolumes)
        var files = [
            ArchiveFile(VolumePaths.packingList, list.bytes),
            ArchiveFile(VolumePaths.place, try Document.encode(place)),
        ]
        if let signingKey {
            let signature = try signingKey.sign(list.bytes, comment: "packing list \(place.set)")
            files.append(ArchiveFile(VolumePaths.signature, signature))
        }
        return files
    }
}

/// A packing list, and its bytes, which are signed.
struct WrittenPackingList {
    let content: PackingList
    let bytes: [UInt8]
    /// The set goes by it.
    let digest: Digest

    init(_ content: PackingList) throws {
        self.content = content
        bytes = try content.encoded()
        digest = Digest(of: bytes)
    }
}

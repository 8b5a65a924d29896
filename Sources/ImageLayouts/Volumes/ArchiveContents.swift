package import ImageModel
package import ImageTransfer

/// What an archive says of itself: that it is a delta, a volume, a whole; nothing where it has no packing list.
package struct ArchiveContents: Sendable {
    private let title: String
    /// nil for an archive like any other.
    let list: PackingList?
    /// The bytes of the list, which were signed.
    let bytes: [UInt8]
    /// Volumes that are not here, and why.
    private let missing: [Int: String]
    private let absent: [Digest: PackingList.Absent]
    private let volumes: [Digest: [Int]]

    /// - Throws: `TransferError.damaged` if what it says does not fit what is in it.
    init(_ tree: any FileTree) throws {
        title = tree.title
        guard let bytes = try tree.read(VolumePaths.packingList, limit: Document.indexSizeLimit) else {
            (list, bytes, missing, absent, volumes) = (nil, [], [:], [:], [:])
            return
        }
        self.bytes = bytes
        let list = try PackingList(bytes, name: "\(title): \(VolumePaths.packingList)")
        self.list = list
        guard let place = try VolumePlace(in: tree),
            let index = try tree.read(OCIPaths.index, limit: Document.indexSizeLimit)
        else { throw TransferError.damaged("\(title) has a packing list, but lacks what belongs to it") }
        guard place.set == Digest(of: bytes) else {
            throw TransferError.damaged("\(title): the packing list is not the one that \(VolumePaths.place) names")
        }
        guard list.index.digest == Digest(of: index) else {
            throw TransferError.damaged("\(title): index.json is not the one in the packing list")
        }
        if let set = tree as? VolumeTree {
            missing = set.missing
        } else {
            let others = (1...list.volumes.count).filter { $0 != place.volume }
            missing = Dictionary(uniqueKeysWithValues: others.map { ($0, "missing") })
        }
        absent = Dictionary(list.absent.map { ($0.digest, $0) }) { first, _ in first }
        var volumes: [Digest: [Int]] = [:]
        for (position, volume) in list.volumes.enumerated() {
            for blob in volume.blobs { volumes[blob.digest, default: []].append(position + 1) }
            for part in volume.parts { volumes[part.blob, default: []].append(position + 1) }
        }
        self.volumes = volumes
    }

    package var remarks: [String] {
        guard let list else { return [] }
        var remarks: [String] = []
        if let inventory = list.inventory {
            let bytes = list.absent.reduce(Int64(0)) { $0.addingSaturated(max(0, $1.size)) }
            let inventories = ([inventory] + (list.otherInventories ?? [])).map(\.description).joined(separator: ", ")
            remarks.append(
                "\(title) is a delta: \(list.absent.count) blobs (\(bytes) bytes) are left out, because the destination had "
                    + "them when the inventory \(inventories) was taken")
        }
        for (reason, volumes) in Dictionary(grouping: missing.keys, by: { missing[$0] ?? "" }).sorted(by: {
            $0.key < $1.key
        }) {
            let numbers = volumes.sorted().prefix(8).map(String.init).joined(separator: ", ")
            let more = volumes.count > 8 ? " and \(volumes.count - 8) more" : ""
            remarks.append(
                "\(title) is a set of \(list.volumes.count) volumes, and "
                    + (volumes.count == 1 ? "volume \(numbers) is" : "volumes \(numbers)\(more) are") + " \(reason)")
        }
        return remarks
    }

    /// Why a blob that is not there is not there; nil if nothing is known of it.
    package func absence(of blob: Descriptor) -> BlobAbsence? {
        if let absent = absent[blob.digest] {
            return BlobAbsence(
                reason: "\(title) is a delta that leaves out what its destination had",
                advice: "take a new inventory of the destination and pack another delta",
                repository: absent.repository)
        }
        let needed = volumes[blob.digest] ?? []
        guard let number = needed.first(where: { missing[$0] != nil }), let reason = missing[number] else { return nil }
        return BlobAbsence(
            reason: "volume \(number) of \(list?.volumes.count ?? 0) of the set \(title) is \(reason)",
            advice: (list?.recoveryVolumes ?? 0) == 0
                ? "name the missing volume as well"
                : "name the missing volume as well, or rebuild it from the recovery volumes with 'dray recover'")
    }
}

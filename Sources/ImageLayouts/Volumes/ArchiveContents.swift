import FileTrees
package import ImageModel
package import ImageTransfer

/// What an archive says of itself: that it is a delta, a volume, a whole; nothing where it has no packing list.
package struct ArchiveContents: Sendable {
    private let title: String
    /// A file that is there: the archive, or a volume of the set.
    private let file: String
    /// nil for an archive like any other.
    let list: PackingList?
    /// Of the bytes that the packing list was read from; nil without one.
    let digest: Digest?
    /// Volumes that are not here, and why.
    private let missing: [Int: String]
    private let absent: [Digest: PackingList.Absent]
    /// Blobs that lie in missing volumes, and one of those for each.
    private let lost: [Digest: Int]

    /// - Throws: `ImageError.damaged` if what it says does not fit what is in it.
    init(_ tree: any FileTree) throws {
        title = tree.title
        file = (tree as? VolumeTree)?.firstVolume ?? tree.title
        guard let (list, digest) = try tree.identifiedList(PackingList.self, at: VolumePaths.packingList) else {
            (self.list, self.digest, missing, absent, lost) = (nil, nil, [:], [:], [:])
            return
        }
        self.list = list
        self.digest = digest
        guard let place = try VolumePlace(in: tree), try tree.size(of: OCIPaths.index) != nil else {
            throw ImageError.damaged("\(title) has a packing list, but lacks what belongs to it")
        }
        guard place.set == digest else {
            throw ImageError.damaged("\(title): the packing list is not the one that \(VolumePaths.place) names")
        }
        if let set = tree as? VolumeTree {
            missing = set.missing
        } else {
            let others = (1...list.volumes.count).filter { $0 != place.volume }
            missing = Dictionary(uniqueKeysWithValues: others.map { ($0, "missing") })
        }
        absent = Dictionary(list.absent.map { ($0.digest, $0) }) { first, _ in first }
        var lost: [Digest: Int] = [:]
        for number in missing.keys.sorted(by: >) where list.volumes.indices.contains(number - 1) {
            let volume = list.volumes[number - 1]
            for digest in volume.blobs.map(\.digest) + volume.parts.map(\.blob) { lost[digest] = number }
        }
        self.lost = lost
    }

    /// Whether an `index.json` of that digest is the one that belongs to it.
    func isIndex(_ digest: Digest) -> Bool { list.map { $0.index.digest == digest } ?? true }

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
                .leftOut, reason: "\(title) is a delta that leaves out what its destination had",
                advice: "take a new inventory of the destination and pack another delta",
                repository: absent.repository)
        }
        guard let number = lost[blob.digest], let reason = missing[number] else { return nil }
        let recovery = (list?.recoveryVolumes ?? 0) == 0 ? "" : "dray recover \(file), or "
        return BlobAbsence(
            .missingVolume, reason: "volume \(number) of \(list?.volumes.count ?? 0) of the set \(title) is \(reason)",
            advice: recovery + "put volume \(number) beside the others, or name it as well")
    }
}

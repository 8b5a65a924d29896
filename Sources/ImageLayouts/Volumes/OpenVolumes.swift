import ByteStreams
package import FileTrees
import ImageModel
import ImageTransfer

/// An OCI archive at a path: one tar, or the volumes of a set, of which those that lie beside each other are found
/// from one, from their directory, or from the name that the set was given.
///
/// - Throws: `ImageError.damaged` for a volume of another set.
func openArchive(_ path: String, _ trees: TreeOpener) throws -> any FileTree {
    let kind = path == "-" ? nil : try fileKind(path)
    var given: (any FileTree)?
    if path == "-" || kind != nil {
        let tree = try trees.open(path)
        if kind == .directory {
            guard try tree.size(of: OCIPaths.index) == nil, try !VolumeNames.files(at: path).isEmpty else {
                return tree
            }
        } else {
            // What streams by has nothing beside it.
            guard tree.access == .anyOrder, try VolumePlace(in: tree) != nil else { return tree }
            given = tree
        }
    }
    var set: Digest?
    var volumes: [Int: any FileTree] = [:]
    var lost: [Int: String] = [:]
    func take(_ tree: any FileTree, _ place: VolumePlace) throws {
        guard place.volume <= place.volumes else {
            throw ImageError.refused(
                "\(tree.title) is a recovery volume: name one of the others; what is lost is made anew by dray recover")
        }
        guard set == nil || set == place.set else {
            throw ImageError.damaged(
                "\(tree.title) is of another set than what lies beside it (\(place.set.short), not \(set?.short ?? "")): keep "
                    + "the volumes of each set together, and nothing else with them")
        }
        set = place.set
        if volumes[place.volume] == nil { volumes[place.volume] = tree }
    }
    if let given, let place = try VolumePlace(in: given) { try take(given, place) }
    for file in try VolumeNames.files(at: path) where file != path {
        let number = VolumeNames.number(of: file) ?? 0
        do {
            let tree = try trees.open(file)
            if tree.access == .anyOrder, let place = try VolumePlace(in: tree) {
                try take(tree, place)
            } else {
                lost[number] = "missing: \(file) is none"
            }
        } catch let error as ImageError where error.isAboutContent {
            lost[number] = "damaged: \(error)"
        }
    }
    guard let set else { throw ImageError.damaged("\(path): \(lost.values.sorted().first ?? "there is no volume")") }
    return try VolumeTree(path: path, set: set, volumes: volumes, lost: lost)
}

extension VolumePlace {
    /// - Returns: nil for an archive like any other.
    package init?(in tree: any FileTree) throws {
        guard let bytes = try tree.read(VolumePaths.place, limit: Document.sizeLimit) else { return nil }
        self = try Document.decode(Self.self, from: bytes, name: "\(tree.title): \(VolumePaths.place)")
        guard volume > 0, volumes > 0 else {
            throw ImageError.damaged("\(tree.title) says that it is volume \(volume) of \(volumes)")
        }
    }
}

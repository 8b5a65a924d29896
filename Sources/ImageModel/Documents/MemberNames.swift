/// Members of a document that other readers find in any letter case.
///
/// To those that are written in Go, `Layers` is `layers`. Of a manifest, whose bytes go on to other readers, another
/// spelling is refused. Of other documents it is read, as long as no object has one member in two spellings.
/// Source: Go, encoding/json, `Unmarshal`.
package struct MemberNames: Sendable {
    /// By their lengths: that takes less than to hash each key of a document once more.
    private let exact: [[[UInt8]]]
    private let folded: [String: String]
    /// Those below which keys are whatever somebody likes to write.
    private let free: Set<[UInt8]>
    /// Those below which keys are members; nil: below all that are not free.
    private let parents: Set<[UInt8]>?

    /// - Parameters:
    ///   - free: those below which keys are whatever somebody likes to write.
    ///   - parents: those of the names below which keys are members; nil: below all that are not free.
    package init(_ names: [String], free: [String] = [], parents: [String]? = nil) {
        let all = (names + free).map { Array($0.utf8) }
        exact = (0...(all.map(\.count).max() ?? 0)).map { length in all.filter { $0.count == length } }
        folded = Dictionary(uniqueKeysWithValues: (names + free).map { (Self.fold($0), $0) })
        self.free = Set(free.map { Array($0.utf8) })
        self.parents = parents.map { Set($0.map { Array($0.utf8) }) }
    }

    /// Whether keys below a member are whatever somebody likes to write.
    func isFree(below member: [UInt8]) -> Bool {
        parents.map { !$0.contains(member) } ?? free.contains(member)
    }

    /// The spelling that a key is read as.
    func folded(_ key: String) -> String { name(misspelled: Array(key.utf8)) ?? key }

    /// The form that all spellings of a name have in common. To Go, the long s is an S and the Kelvin sign is a K; the
    /// comparison of strings treats the Kelvin sign as a K already.
    package static func fold(_ name: String) -> String { name.uppercased() }

    /// The member that a key is another spelling of.
    func name(misspelled key: [UInt8]) -> String? {
        if key.count < exact.count, exact[key.count].contains(key) { return nil }
        return folded[Self.fold(String(decoding: key, as: UTF8.self))]
    }

    /// Of manifests and indexes of each kind. Source: OCI image-spec, manifest.md, image-index.md and descriptor.md;
    /// image manifest version 2, schemas 1 and 2.
    package static let manifest = MemberNames(
        ["schemaVersion", "mediaType", "artifactType", "config", "layers", "blobs", "manifests", "subject"]
            + ["digest", "size", "urls", "data", "platform"]
            + ["architecture", "os", "os.version", "os.features", "variant"]
            + ["fsLayers", "blobSum", "history", "v1Compatibility", "signatures"],
        free: ["annotations"])

    /// Of an image's config. Source: OCI image-spec, config.md. What images run with is not looked at here.
    package static let config = MemberNames(
        [
            "architecture", "os", "os.version", "os.features", "variant", "created", "author", "rootfs", "type",
            "diff_ids",
        ]
            + ["history", "created_by", "comment", "empty_layer"],
        parents: ["rootfs", "history"])
}

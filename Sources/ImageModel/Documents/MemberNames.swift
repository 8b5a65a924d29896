/// Members of a document that other readers find in any spelling.
///
/// To those that are written in Go, `Layers` is `layers`: what has both, or that one alone, is another image to them.
/// Source: Go, encoding/json, `Unmarshal`.
public struct MemberNames: Sendable {
    /// By their lengths: that takes less than to hash each key of a document once more.
    private let exact: [[[UInt8]]]
    private let folded: [String: String]
    /// Those below which keys are whatever somebody likes to write.
    let free: Set<[UInt8]>

    /// - Parameter free: those below which keys are whatever somebody likes to write.
    public init(_ names: [String], free: [String] = []) {
        let all = (names + free).map { Array($0.utf8) }
        exact = (0...(all.map(\.count).max() ?? 0)).map { length in all.filter { $0.count == length } }
        folded = Dictionary(uniqueKeysWithValues: (names + free).map { (Self.fold($0), $0) })
        self.free = Set(free.map { Array($0.utf8) })
    }

    /// As Go does it, which takes the Kelvin sign for a K and the long s for an S, too.
    private static func fold(_ name: String) -> String { name.uppercased() }

    /// The member that a key is another spelling of.
    func name(misspelled key: [UInt8]) -> String? {
        if key.count < exact.count, exact[key.count].contains(key) { return nil }
        return folded[Self.fold(String(decoding: key, as: UTF8.self))]
    }

    /// Of manifests and indexes of each kind. Source: OCI image-spec, manifest.md, image-index.md and descriptor.md;
    /// image manifest version 2, schemas 1 and 2.
    public static let manifest = MemberNames(
        ["schemaVersion", "mediaType", "artifactType", "config", "layers", "blobs", "manifests", "subject"]
            + ["digest", "size", "urls", "data", "platform"]
            + ["architecture", "os", "os.version", "os.features", "variant"]
            + ["fsLayers", "blobSum", "history", "v1Compatibility", "signatures"],
        free: ["annotations"])
}

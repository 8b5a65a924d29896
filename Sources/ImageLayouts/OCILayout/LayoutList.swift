import ImageModel
import ImageTransfer

/// What `index.json` lists.
struct LayoutList: Sendable {
    let entries: [Descriptor]
    /// `index.json` itself, where it is a multi-platform image, as some builders write it: its entries have no names, and
    /// each is for a platform of its own.
    let flatIndex: Manifest?

    /// - Throws: `DocumentError`.
    init(_ bytes: [UInt8], name: String) throws {
        let index = try ImageIndex(ofLayout: bytes, name: name)
        entries = index.manifests
        flatIndex =
            Self.isFlat(entries) && bytes.count <= Document.sizeLimit
            ? try Manifest(bytes, mediaType: .ociIndex, name: name) : nil
    }

    private static func isFlat(_ entries: [Descriptor]) -> Bool {
        guard entries.allSatisfy({ $0.layoutName == .none && $0.annotations?[OCIPaths.kind] == nil }) else {
            return false
        }
        let images = entries.filter { !$0.isAttestation }
        let platforms = images.compactMap { $0.mediaType.manifestKind == .image ? $0.platform : nil }
        return platforms.count > 1 && platforms.count == images.count && Set(platforms).count == platforms.count
    }
}

import ByteStreams
import ImageModel
import TarArchive

/// The documents of a tar that streams by, by path, as far as there is room for them in memory.
struct KeptDocuments: Sendable {
    private var documents: [String: [UInt8]] = [:]
    private var size = 0

    /// Bytes that are kept, those of an archive's lists of images aside.
    private static let sizeLimit = 8 << 20
    private static let lists: Set<String> = [
        "manifest.json", "index.json", "repositories", VolumePaths.packingList,
    ]

    subscript(path: String) -> [UInt8]? { documents[path] }

    mutating func remove(_ path: String) {
        guard let old = documents.removeValue(forKey: path), !Self.lists.contains(path) else { return }
        size -= old.count
    }

    /// - Returns: what cannot be kept any more: the largest ones, for they are the least likely to be needed for
    ///   understanding the archive. They are blobs like any other then.
    mutating func add(_ path: String, _ bytes: [UInt8]) -> [(path: String, bytes: [UInt8])] {
        documents[path] = bytes
        guard !Self.lists.contains(path) else { return [] }
        size += bytes.count
        guard size > Self.sizeLimit else { return [] }
        var dropped: [(path: String, bytes: [UInt8])] = []
        // Down to the half, so that it is not sorted again for each.
        for (path, bytes) in documents.sorted(by: { ($0.value.count, $0.key) > ($1.value.count, $1.key) })
        where size > Self.sizeLimit / 2 && !Self.lists.contains(path) {
            remove(path)
            dropped.append((path, bytes))
        }
        return dropped
    }

    /// Whether a member looks like one.
    ///
    /// - Parameter start: its first bytes.
    static func isDocument(_ entry: TarEntry, _ start: [UInt8]) -> Bool {
        if lists.contains(entry.path) { return entry.size <= Document.indexSizeLimit }
        guard entry.size <= Document.sizeLimit else { return false }
        let name = lastComponent(of: entry.path)
        if ["oci-layout", "VERSION", "json", "link", "version", "repositories"].contains(name)
            || name.hasSuffix(".json")
        {
            return true
        }
        return start.first == UInt8(ascii: "{") || start.first == UInt8(ascii: "[")
    }
}

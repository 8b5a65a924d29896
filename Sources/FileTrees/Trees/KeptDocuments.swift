import ByteStreams
import ImageModel
import TarArchive

/// The documents of a tar that streams by, by path, as far as there is room for them in memory.
struct KeptDocuments: Sendable {
    private var documents: [String: [UInt8]] = [:]
    private var lists: [String: KeptList] = [:]
    /// Bytes of those that are small, and of the others.
    private var sizes = (small: 0, large: 0)

    /// Bytes of small documents that are kept, what lists say aside: some hundred thousand manifests and configs.
    private static let smallLimit = 256 << 20
    /// Bytes of large ones: most of them are blobs that happen to be JSON.
    private static let largeLimit = 8 << 20
    private static let largest = 64 << 10

    subscript(path: String) -> [UInt8]? { documents[path] }
    func list(_ path: String) -> KeptList? { lists[path] }
    func holds(_ path: String) -> Bool { documents[path] != nil || lists[path] != nil }

    private static func room(_ path: String, _ bytes: [UInt8]) -> Int { bytes.count + path.utf8.count + 128 }

    mutating func remove(_ path: String) {
        lists[path] = nil
        if let old = documents.removeValue(forKey: path) { count(path, old, sign: -1) }
    }

    private mutating func count(_ path: String, _ bytes: [UInt8], sign: Int) {
        let room = sign * Self.room(path, bytes)
        if bytes.count > Self.largest { sizes.large += room } else { sizes.small += room }
    }

    mutating func add(_ path: String, _ list: KeptList) { lists[path] = list }

    /// - Returns: what cannot be kept any more: the largest ones, for they are the least likely to be needed for
    ///   understanding the archive. They are blobs like any other then.
    mutating func add(_ path: String, _ bytes: [UInt8]) -> [(path: String, bytes: [UInt8])] {
        documents[path] = bytes
        count(path, bytes, sign: 1)
        guard sizes.small > Self.smallLimit || sizes.large > Self.largeLimit else { return [] }
        var dropped: [(path: String, bytes: [UInt8])] = []
        // Down to the half, so that it is not sorted again for each.
        let smallRoom = sizes.small > Self.smallLimit ? Self.smallLimit / 2 : .max
        for (path, bytes) in documents.sorted(by: { ($0.value.count, $0.key) > ($1.value.count, $1.key) }) {
            guard sizes.large > Self.largeLimit / 2 || sizes.small > smallRoom else { break }
            remove(path)
            dropped.append((path, bytes))
        }
        return dropped
    }

    /// Whether a member looks like one.
    ///
    /// - Parameter start: its first bytes.
    static func isDocument(_ entry: TarEntry, _ start: [UInt8]) -> Bool {
        guard entry.size <= Document.sizeLimit else { return false }
        let name = lastComponent(of: entry.path)
        if ["oci-layout", "VERSION", "json", "link", "version"].contains(name) || name.hasSuffix(".json") {
            return true
        }
        return start.first == UInt8(ascii: "{") || start.first == UInt8(ascii: "[")
    }
}

/// A list of a tar that streams by: read in passing, and what it says is kept.
struct KeptList: Sendable {
    /// The first bytes.
    let start: [UInt8]
    let facts: FileFacts
    /// What it says, or what is wrong with it, which matters only to whoever asks.
    let content: Result<any ListDocument, any Error>

    /// - Parameter types: of lists, by path.
    /// - Returns: nil for a member that is no list.
    /// - Throws: what is wrong with the stream.
    init?(
        _ entry: TarEntry, _ body: any ByteSource, _ types: [String: any ListDocument.Type], title: String
    ) throws {
        guard let type = types[entry.path] else { return nil }
        let peeking = PeekingSource(body)
        start = try peeking.peek(512)
        let source = HashingSource(peeking)
        let name = "\(title): \(entry.path)"
        do {
            guard entry.size <= Document.listSizeLimit else {
                throw ImageError.invalidDocument("\(name) is larger than the limit of \(Document.listSizeLimit) bytes")
            }
            content = .success(try type.init(reading: source, name: name))
        } catch let error as ImageError where error.code == .invalidDocument {
            content = .failure(error)
        }
        _ = try source.drain()
        facts = FileFacts(digest: source.digest(), size: entry.size, compression: CompressionFormat.sniff(start))
    }
}

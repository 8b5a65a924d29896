/// Looks over a document before it is decoded, in one pass.
struct DocumentScan {
    enum Problem: Equatable {
        case tooDeep
        case notUTF8
        case repeatedKey(String)
        case otherSpelling(String, of: String)
    }

    /// An array or object that is open.
    private struct Level {
        /// So far; nil in an array.
        var keys: Set<[UInt8]>?
        /// Whether its keys are whatever somebody likes to write.
        var isFree: Bool
    }

    private let depthLimit: Int
    private let members: MemberNames?
    private var open: [Level] = []

    /// - Parameter members: keys that have to be spelled as they are; nil where nobody else's reader matters.
    init(depthLimit: Int, members: MemberNames? = nil) {
        self.depthLimit = depthLimit
        self.members = members
    }

    /// - Returns: the first problem. That the rest is JSON at all is for the decoder to say.
    mutating func problem(of bytes: [UInt8]) -> Problem? {
        bytes.withUnsafeBufferPointer { problem(of: $0) }
    }

    private mutating func problem(of bytes: UnsafeBufferPointer<UInt8>) -> Problem? {
        // Every document has ASCII in it, which other encodings write with zeros.
        guard !bytes.contains(0) else { return .notUTF8 }
        var position = 0
        var isKeyNext = false
        var key: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                let (end, hasEscape) = Self.endOfString(from: position, in: bytes)
                if isKeyNext {
                    key = hasEscape ? Self.unescaped(bytes[position..<end]) : Array(bytes[position..<end])
                    if let problem = add(key) { return problem }
                }
                isKeyNext = false
                position = end + 1
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                isKeyNext = byte == UInt8(ascii: "{")
                let isFree = open.last?.isFree ?? false || members?.free.contains(key) ?? false
                open.append(Level(keys: isKeyNext ? [] : nil, isFree: isFree))
                if open.count > depthLimit { return .tooDeep }
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                isKeyNext = false
                _ = open.popLast()
            case UInt8(ascii: ","): isKeyNext = open.last?.keys != nil
            default: break
            }
        }
        return nil
    }

    /// - Parameter start: after the quotation mark.
    /// - Returns: where the other one is, or the end.
    private static func endOfString(
        from start: Int, in bytes: UnsafeBufferPointer<UInt8>
    ) -> (end: Int, hasEscape: Bool) {
        var position = start
        var hasEscape = false
        while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
            let isEscape = bytes[position] == UInt8(ascii: "\\")
            hasEscape = hasEscape || isEscape
            position += isEscape ? 2 : 1
        }
        return (min(position, bytes.count), hasEscape)
    }

    private mutating func add(_ key: [UInt8]) -> Problem? {
        let last = open.count - 1
        guard open[last].keys?.insert(key).inserted != false else {
            return .repeatedKey(String(decoding: key, as: UTF8.self))
        }
        guard let members, !open[last].isFree, let name = members.name(misspelled: key) else { return nil }
        return .otherSpelling(String(decoding: key, as: UTF8.self), of: name)
    }

    /// A key that is spelled with escapes. What is no valid one stays as it is, for the decoder to refuse.
    private static func unescaped(_ key: Slice<UnsafeBufferPointer<UInt8>>) -> [UInt8] {
        let quote = [UInt8(ascii: "\"")]
        let text = (try? JSONParser.parse(quote + key + quote))?.string
        return text.map { Array($0.utf8) } ?? Array(key)
    }
}

/// Members of a document that other readers find in any spelling. To those that are written in Go, `Layers` is `layers`: what
/// has both, or that one alone, is another image to them. Source: Go, encoding/json, `Unmarshal`.
public struct MemberNames: Sendable {
    private let exact: Set<[UInt8]>
    private let folded: [String: String]
    /// Below them, keys are free.
    let free: Set<[UInt8]>

    /// - Parameter free: of objects whose keys are whatever somebody likes to write.
    public init(_ names: [String], free: [String] = []) {
        exact = Set((names + free).map { Array($0.utf8) })
        folded = Dictionary(uniqueKeysWithValues: (names + free).map { (Self.fold($0), $0) })
        self.free = Set(free.map { Array($0.utf8) })
    }

    /// As Go does it, which takes the Kelvin sign for a K and the long s for an S, too.
    private static func fold(_ name: String) -> String { name.uppercased() }

    func name(misspelled key: [UInt8]) -> String? {
        exact.contains(key) ? nil : folded[Self.fold(String(decoding: key, as: UTF8.self))]
    }

    /// Of manifests and indexes of each kind. Source: OCI image-spec, manifest.md, image-index.md, descriptor.md;
    /// image manifest version 2, schemas 1 and 2.
    public static let manifest = MemberNames(
        [
            "schemaVersion", "mediaType", "artifactType", "config", "layers", "blobs", "manifests", "subject", "digest",
            "size",
            "urls", "data", "platform", "architecture", "os", "os.version", "os.features", "variant", "fsLayers",
            "blobSum",
            "history", "v1Compatibility", "signatures",
        ], free: ["annotations"])
}

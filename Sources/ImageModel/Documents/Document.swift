import FoundationEssentials
import Synchronization

/// JSON in and out: the only place that decodes and encodes it.
///
/// Decoding refuses what is too large or too deeply nested before it looks further, and what two readers may take for
/// two things: another encoding than UTF-8, a key that an object has twice, and where it matters one that is not
/// spelled as it should be. Encoding is deterministic (sorted keys, plain slashes), and is only for documents that
/// dray makes itself.
package enum Document {
    /// The largest manifest, config or other single document, and the largest entry of a list, in bytes.
    package static let sizeLimit = 4 << 20
    /// Bytes. Nearly all documents are smaller. Larger ones are parsed few at a time, for one takes many times its size
    /// meanwhile.
    package static let ordinarySize = 32 << 10
    /// The largest list (`index.json`, `manifest.json` of an archive, an inventory and the like), in bytes: more than
    /// a million images. Lists are read and written as streams.
    package static let listSizeLimit = 1 << 30
    /// The most entries of a list.
    package static let entryLimit = 5_000_000
    /// The deepest nesting of arrays and objects.
    package static let depthLimit = 64

    /// - Parameters:
    ///   - name: what the document is, for the message.
    ///   - sizeLimit: bytes.
    ///   - members: keys that other readers find in any letter case.
    ///   - acceptsSpellings: whether they are read in any letter case here, too; else another spelling is refused.
    /// - Throws: `ImageError`.
    package static func decode<T: Decodable>(
        _ type: T.Type, from bytes: [UInt8], name: String, sizeLimit: Int = sizeLimit, members: MemberNames? = nil,
        acceptsSpellings: Bool = false
    ) throws -> T {
        let hasOtherSpelling = try check(bytes, name: name, sizeLimit: sizeLimit, members, acceptsSpellings)
        return try decode(type, fromChecked: bytes, name: name, respelling: hasOtherSpelling ? members : nil)
    }

    /// Decodes a document, or an entry of one, that `check` has nothing against.
    ///
    /// - Parameters:
    ///   - members: keys that are spelled in another way.
    ///   - steps: where the entry stands.
    ///   - first: of an array of some of the elements that are there, the index of the first.
    static func decode<T: Decodable>(
        _ type: T.Type, fromChecked bytes: [UInt8], name: String, respelling members: MemberNames? = nil,
        at steps: [DocumentStep] = [], from first: Int = 0
    ) throws -> T {
        let decoder = JSONDecoder()
        if let members {
            decoder.keyDecodingStrategy = .custom { path in
                let key = path.last?.stringValue ?? ""
                let isFree = path.dropLast().contains {
                    $0.intValue == nil && members.isFree(below: Array(members.folded($0.stringValue).utf8))
                }
                return Key(stringValue: isFree ? key : members.folded(key))
            }
        }
        do {
            return try bytes.withUnsafeBytes { buffer in
                guard let start = buffer.baseAddress else { return try decoder.decode(type, from: Data()) }
                // No copy of what may be large: the decoder only looks at it.
                let data = Data(
                    bytesNoCopy: UnsafeMutableRawPointer(mutating: start), count: buffer.count, deallocator: .none)
                return try decoder.decode(type, from: data)
            }
        } catch let error as DecodingError {
            throw ImageError.invalidDocument("\(name) cannot be understood: \(error.reason(at: steps, from: first))")
        }
    }

    /// Reads a document of no particular form.
    ///
    /// - Parameters:
    ///   - name: what the document is, for the message.
    ///   - sizeLimit: bytes.
    /// - Throws: `ImageError`.
    package static func value(from bytes: [UInt8], name: String, sizeLimit: Int = sizeLimit) throws -> JSONValue {
        try check(bytes, name: name, sizeLimit: sizeLimit)
        do {
            return try JSONParser.parse(bytes)
        } catch {
            throw ImageError.invalidDocument(
                "\(name) cannot be understood: \(error.reason), near byte \(error.position)")
        }
    }

    /// Likewise, of one that has to be an object.
    package static func object(
        from bytes: [UInt8], name: String, sizeLimit: Int = sizeLimit
    ) throws -> [String: JSONValue] {
        guard let object = try value(from: bytes, name: name, sizeLimit: sizeLimit).object else {
            throw ImageError.invalidDocument("\(name) cannot be understood: it is no JSON object")
        }
        return object
    }

    /// A member's name.
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// Refuses what need not be looked at any further.
    ///
    /// - Parameters:
    ///   - depth: of the objects and arrays around it, where it is an entry of a larger document.
    ///   - isFree: whether its keys are whatever somebody likes to write.
    /// - Returns: whether a member is spelled in another way, and that is accepted.
    @discardableResult
    static func check(
        _ bytes: [UInt8], name: String, sizeLimit: Int = sizeLimit, _ members: MemberNames? = nil,
        _ acceptsSpellings: Bool = false, depth: Int = 0, isFree: Bool = false
    ) throws -> Bool {
        guard bytes.count <= sizeLimit else {
            throw ImageError.invalidDocument("\(name) has \(bytes.count) bytes, the limit is \(sizeLimit)")
        }
        var scan = DocumentScan(
            depthLimit: depthLimit - depth, members: isFree ? nil : members, acceptsSpellings: acceptsSpellings)
        if let problem = scan.problem(of: bytes) { throw error(problem, in: name) }
        return scan.hasOtherSpelling
    }

    static func error(_ problem: DocumentScan.Problem, in name: String) -> ImageError {
        switch problem {
        case .tooDeep: ImageError.invalidDocument("\(name) is nested more than \(depthLimit) levels deep")
        case .notUTF8: ImageError.invalidDocument("\(name) is no JSON in UTF-8")
        case .repeatedKey(let key):
            ImageError.invalidDocument("\(name) has the key '\(key.prefix(80))' twice in one object")
        case .otherSpelling(let key, let known):
            ImageError.invalidDocument(
                "\(name) has the key '\(key.prefix(80))', which some readers take for '\(known)'")
        }
    }

    package static func encode(_ value: some Encodable, pretty: Bool = false) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting =
            pretty ? [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted] : [.sortedKeys, .withoutEscapingSlashes]
        return [UInt8](try encoder.encode(value))
    }
}

extension DecodingError {
    /// - Parameters:
    ///   - steps: to what was decoded.
    ///   - first: the index of the first element, if that is an array.
    fileprivate func reason(at steps: [DocumentStep], from first: Int) -> String {
        func place(_ path: [any CodingKey]) -> String {
            let below = path.enumerated().map { depth, key in
                key.intValue.map { DocumentStep.element(depth == 0 ? first + $0 : $0) } ?? .member(key.stringValue)
            }
            return (steps + below).place
        }
        switch self {
        case .keyNotFound(let key, let context): return place(context.codingPath) + "'\(key.stringValue)' is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            return place(context.codingPath) + context.debugDescription
        @unknown default: return "not valid JSON"
        }
    }
}

/// Large documents are parsed two at a time: one takes many times its size meanwhile, and whoever may write may have written
/// as many as they like.
enum LargeDocuments {
    private static let first = Mutex(()), second = Mutex(())

    /// Does something with a document of a size, in its turn if it is large. Blocks until then.
    static func inTurn<T: Sendable>(_ size: Int, _ body: () throws -> T) throws -> T {
        guard size > Document.ordinarySize else { return try body() }
        if let result = try first.withLockIfAvailable({ _ in try body() }) { return result }
        return try second.withLock { _ in try body() }
    }
}

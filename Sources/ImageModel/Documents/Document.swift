import FoundationEssentials

/// JSON in and out: the only place that decodes and encodes it.
///
/// Decoding refuses what is too large or too deeply nested before it looks further. Encoding is
/// deterministic (sorted keys, plain slashes), and is only for documents that dray makes itself.
public enum Document {
    /// The largest manifest, config or other single document, in bytes.
    public static let sizeLimit = 4 << 20
    /// The largest `index.json` or `manifest.json` of an archive, in bytes: it may list many images.
    public static let indexSizeLimit = 16 << 20
    /// The deepest nesting of arrays and objects.
    public static let depthLimit = 64

    /// - Parameters:
    ///   - name: what the document is, for the message.
    ///   - sizeLimit: bytes.
    /// - Throws: `DocumentError`.
    public static func decode<T: Decodable>(
        _ type: T.Type, from bytes: [UInt8], name: String, sizeLimit: Int = sizeLimit
    ) throws -> T {
        try check(bytes, name: name, sizeLimit: sizeLimit)
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch let error as DecodingError {
            throw DocumentError("\(name) cannot be understood: \(error.reason)")
        }
    }

    /// Reads a document of no particular form.
    ///
    /// - Parameters:
    ///   - name: what the document is, for the message.
    ///   - sizeLimit: bytes.
    /// - Throws: `DocumentError`.
    package static func value(from bytes: [UInt8], name: String, sizeLimit: Int = sizeLimit) throws -> JSONValue {
        try check(bytes, name: name, sizeLimit: sizeLimit)
        do {
            return try JSONParser.parse(bytes)
        } catch {
            throw DocumentError("\(name) cannot be understood: \(error.reason), near byte \(error.position)")
        }
    }

    /// Likewise, of one that has to be an object.
    package static func object(
        from bytes: [UInt8], name: String, sizeLimit: Int = sizeLimit
    ) throws -> [String: JSONValue] {
        guard let object = try value(from: bytes, name: name, sizeLimit: sizeLimit).object else {
            throw DocumentError("\(name) cannot be understood: it is no JSON object")
        }
        return object
    }

    /// Refuses what need not be looked at any further.
    private static func check(_ bytes: [UInt8], name: String, sizeLimit: Int) throws {
        guard bytes.count <= sizeLimit else {
            throw DocumentError("\(name) has \(bytes.count) bytes, the limit is \(sizeLimit)")
        }
        // UTF-16 and UTF-32, which the decoder takes as well, could hide brackets from what counts them here.
        guard !bytes.contains(0) else { throw DocumentError("\(name) is not UTF-8, as JSON has to be") }
        guard depth(of: bytes) <= depthLimit else {
            throw DocumentError("\(name) is nested more than \(depthLimit) levels deep")
        }
    }

    public static func encode(_ value: some Encodable, pretty: Bool = false) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting =
            pretty ? [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted] : [.sortedKeys, .withoutEscapingSlashes]
        return [UInt8](try encoder.encode(value))
    }

    /// How deep arrays and objects nest, brackets inside strings aside.
    private static func depth(of bytes: [UInt8]) -> Int {
        var depth = 0
        var deepest = 0
        var inString = false
        var escaped = false
        for byte in bytes {
            if inString {
                if escaped {
                    escaped = false
                } else if byte == UInt8(ascii: "\\") {
                    escaped = true
                } else if byte == UInt8(ascii: "\"") {
                    inString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): inString = true
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                depth += 1
                deepest = max(deepest, depth)
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            default: break
            }
        }
        return deepest
    }
}

/// A document that is not what it has to be.
public struct DocumentError: Error, Equatable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}

extension DecodingError {
    fileprivate var reason: String {
        func place(_ path: [any CodingKey]) -> String {
            path.isEmpty
                ? "" : path.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".") + ": "
        }
        switch self {
        case .keyNotFound(let key, let context): return place(context.codingPath) + "'\(key.stringValue)' is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            return place(context.codingPath) + context.debugDescription
        @unknown default: return "not valid JSON"
        }
    }
}

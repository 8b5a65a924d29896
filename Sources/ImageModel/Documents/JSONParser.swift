/// Reads JSON of any form in one pass. Source: RFC 8259.
///
/// A decoder that does not know what comes has to try one type after the other, and makes an error of each that it
/// was not: a large document takes minutes then.
struct JSONParser {
    private var cursor: JSONCursor

    /// - Parameter bytes: that `DocumentScan` has nothing against: nested no deeper than recursion can follow, and no
    ///   member twice.
    /// - Throws: `JSONError`.
    static func parse(_ bytes: [UInt8]) throws(JSONError) -> JSONValue {
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(JSONError) in
                var parser = JSONParser(cursor: JSONCursor(buffer))
                let value = try parser.value()
                guard parser.cursor.peek() == nil else { throw parser.cursor.error("something follows the value") }
                return value
            }
        }
        return try result.get()
    }

    private mutating func value() throws(JSONError) -> JSONValue {
        switch cursor.peek() {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try cursor.string())
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case nil: throw cursor.error("it ends too early")
        default: return try number()
        }
    }

    private mutating func object() throws(JSONError) -> JSONValue {
        _ = cursor.take(UInt8(ascii: "{"))
        var members: [String: JSONValue] = [:]
        if cursor.peek() == UInt8(ascii: "}") {
            _ = cursor.take(UInt8(ascii: "}"))
            return .object(members)
        }
        repeat {
            guard cursor.peek() == UInt8(ascii: "\"") else { throw cursor.error("a name is missing") }
            let name = try cursor.string()
            cursor.skipSpace()
            guard cursor.take(UInt8(ascii: ":")) else { throw cursor.error("':' is missing after a name") }
            members[name] = try value()
            cursor.skipSpace()
        } while cursor.take(UInt8(ascii: ","))
        guard cursor.take(UInt8(ascii: "}")) else {
            throw cursor.error("an object does not go on with ',' or end with '}'")
        }
        return .object(members)
    }

    private mutating func array() throws(JSONError) -> JSONValue {
        _ = cursor.take(UInt8(ascii: "["))
        var values: [JSONValue] = []
        cursor.skipSpace()
        if cursor.take(UInt8(ascii: "]")) { return .array(values) }
        repeat {
            values.append(try value())
            cursor.skipSpace()
        } while cursor.take(UInt8(ascii: ","))
        guard cursor.take(UInt8(ascii: "]")) else {
            throw cursor.error("an array does not go on with ',' or end with ']'")
        }
        return .array(values)
    }

    private mutating func word(_ text: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        guard cursor.take(text) else { throw cursor.error("a word means nothing") }
        return value
    }

    private mutating func number() throws(JSONError) -> JSONValue {
        let start = cursor.position
        func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }
        _ = cursor.take(UInt8(ascii: "-"))
        let hasLeadingZero = cursor.take(UInt8(ascii: "0"))
        let count = cursor.takeAll(where: isDigit)
        guard hasLeadingZero ? count == 0 : count > 0 else { throw cursor.error("it is not JSON") }
        var isWhole = true
        if cursor.take(UInt8(ascii: ".")) {
            isWhole = false
            guard cursor.takeAll(where: isDigit) > 0 else { throw cursor.error("a number ends with its point") }
        }
        if cursor.take(UInt8(ascii: "e")) || cursor.take(UInt8(ascii: "E")) {
            isWhole = false
            _ = cursor.take(UInt8(ascii: "+")) || cursor.take(UInt8(ascii: "-"))
            guard cursor.takeAll(where: isDigit) > 0 else {
                throw cursor.error("a number has no exponent after its 'e'")
            }
        }
        let text = String(decoding: cursor.bytes[start..<cursor.position], as: UTF8.self)
        // -0 is no integer.
        if isWhole, text != "-0", let integer = Int64(text) { return .integer(integer) }
        guard let number = Double(text), number.isFinite else { throw cursor.error("a number is too large") }
        return .number(number)
    }
}

/// Any JSON, for documents whose members dray carries without knowing them (v1 image JSON). `Document.value` and
/// `Document.object` read it.
package enum JSONValue: Hashable, Sendable, Encodable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }

    package var object: [String: JSONValue]? {
        if case .object(let value) = self { value } else { nil }
    }

    package var string: String? {
        if case .string(let value) = self { value } else { nil }
    }
}

/// A member that may be anything, and that nobody looks at.
package struct JSONAnything: Decodable, Sendable {
    package init(from decoder: any Decoder) {}
}

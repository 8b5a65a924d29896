/// A place in JSON text that is at hand as a whole. Source: RFC 8259.
///
/// It knows what strings, numbers and words look like; what may follow what, and what it means, is for its visitors:
/// `JSONParser` makes values, `DocumentScan` looks at keys and depth, and the garbage collection looks for references.
package struct JSONCursor {
    package let bytes: UnsafeRawBufferPointer
    package private(set) var position = 0

    package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    package var isAtEnd: Bool { position >= bytes.count }

    package func error(_ reason: String) -> JSONError { JSONError(reason: reason, position: position) }

    // MARK: Bytes

    package mutating func skipSpace() {
        while position < bytes.count {
            let byte = bytes[position]
            guard byte == 32 || byte == 10 || byte == 13 || byte == 9 else { return }
            position += 1
        }
    }

    /// The next byte that is no space; nil at the end.
    package mutating func peek() -> UInt8? {
        skipSpace()
        return position < bytes.count ? bytes[position] : nil
    }

    /// Takes the byte at hand, if it is this one.
    package mutating func take(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    /// Takes the bytes at hand, if they are these.
    package mutating func take(_ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard bytes.count - position >= count else { return false }
        for index in 0..<count where bytes[position + index] != word.utf8Start[index] { return false }
        position += count
        return true
    }

    /// Takes bytes as long as they fit.
    ///
    /// - Returns: how many.
    @discardableResult
    package mutating func takeAll(where fits: (UInt8) -> Bool) -> Int {
        let start = position
        while position < bytes.count, fits(bytes[position]) { position += 1 }
        return position - start
    }

    // MARK: Strings

    /// Takes a string.
    ///
    /// - Returns: what lies between the quotation marks as it stands, and whether it has an escape.
    package mutating func rawString() throws(JSONError) -> (text: UnsafeRawBufferPointer, hasEscape: Bool) {
        guard take(UInt8(ascii: "\"")) else { throw error("a string is missing") }
        let start = position
        var hasEscape = false
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\\"):
                hasEscape = true
                position += 2
            case UInt8(ascii: "\""):
                position += 1
                return (UnsafeRawBufferPointer(rebasing: bytes[start..<position - 1]), hasEscape)
            default: position += 1
            }
        }
        position = bytes.count
        throw error("a string does not end")
    }

    /// Takes a string.
    ///
    /// - Returns: its value.
    package mutating func string() throws(JSONError) -> String {
        let (raw, hasEscape) = try rawString()
        guard !raw.contains(where: { $0 < 32 }) else {
            throw error("a string has a control character that is not escaped")
        }
        let text =
            hasEscape
            ? String(validating: try unescaped(raw), as: UTF8.self) : String(validating: raw, as: UTF8.self)
        guard let text else { throw error("a string is not UTF-8") }
        return text
    }

    private func unescaped(_ raw: UnsafeRawBufferPointer) throws(JSONError) -> [UInt8] {
        var inner = JSONCursor(raw)
        var text: [UInt8] = []
        text.reserveCapacity(raw.count)
        while !inner.isAtEnd {
            let byte = raw[inner.position]
            inner.position += 1
            guard byte == UInt8(ascii: "\\") else {
                text.append(byte)
                continue
            }
            do {
                try inner.escape(into: &text)
            } catch {
                throw self.error(error.reason)
            }
        }
        return text
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
        guard !isAtEnd else { throw error("a string does not end") }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(8)
        case UInt8(ascii: "f"): text.append(12)
        case UInt8(ascii: "n"): text.append(10)
        case UInt8(ascii: "r"): text.append(13)
        case UInt8(ascii: "t"): text.append(9)
        case UInt8(ascii: "u"):
            var code = try hexadecimal()
            if code & 0xfc00 == 0xd800, take("\\u") {
                let low = try hexadecimal()
                guard low & 0xfc00 == 0xdc00 else { throw error("half a character is escaped") }
                code = 0x10000 + (code & 0x3ff) << 10 + low & 0x3ff
            }
            guard let scalar = Unicode.Scalar(code) else { throw error("half a character is escaped") }
            text += UTF8.encode(scalar)!
        default: throw error("an escape means nothing")
        }
    }

    private mutating func hexadecimal() throws(JSONError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard !isAtEnd else { throw error("a string does not end") }
            switch bytes[position] {
            case let digit where (48...57).contains(digit): code = code << 4 | UInt32(digit - 48)
            case let digit where (65...70).contains(digit): code = code << 4 | UInt32(digit - 55)
            case let digit where (97...102).contains(digit): code = code << 4 | UInt32(digit - 87)
            default: throw error("an escape has to have four hexadecimal digits")
            }
            position += 1
        }
        return code
    }
}

/// A place where JSON breaks off or goes wrong.
package struct JSONError: Error {
    package let reason: String
    /// In bytes.
    package let position: Int
}

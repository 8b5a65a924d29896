import ImageModel

/// Text files as editors and shells save them: UTF-8 or UTF-16, with or without a byte order mark, whatever ends a line.
///
/// All text that users write is read through this, and becomes UTF-8 without a mark, whose lines end in `\n`. Documents of
/// images are not: their bytes are their identity.
package enum TextFile {
    /// - Parameter limit: bytes that the text may have as UTF-8.
    /// - Returns: nil if there is no file.
    /// - Throws: `ImageError`; `.damaged` for what is no such text.
    package static func read(_ path: String, limit: Int) throws -> [UInt8]? {
        try text(limit: limit, name: path) { try readFile(path, limit: $0) }
    }

    /// Likewise what comes through a pipe.
    package static func read(_ source: any ByteSource, limit: Int, name: String) throws -> [UInt8] {
        try text(limit: limit, name: name) { try source.readAll(limit: $0, name: name) } ?? []
    }

    /// A long document as a stream. Without a byte order mark it comes as it is; with one, it is read whole.
    ///
    /// - Parameter limit: bytes that it may have then.
    package static func stream(_ source: any ByteSource, limit: Int, name: String) throws -> any ByteSource {
        let peeking = PeekingSource(source)
        let start = try peeking.peek(3)
        let hasMark = [[0xef, 0xbb, 0xbf], [0xff, 0xfe], [0xfe, 0xff]].contains { start.starts(with: $0 as [UInt8]) }
        return hasMark ? BytesSource(try read(peeking, limit: limit, name: name)) : peeking
    }

    /// - Parameter read: reads at most so many bytes.
    private static func text(limit: Int, name: String, _ read: (Int) throws -> [UInt8]?) throws -> [UInt8]? {
        let tooLarge = ImageError.limit("\(name) is larger than the limit of \(limit) bytes")
        let bytes: [UInt8]?
        do {
            // The end of a line takes four bytes in UTF-16.
            bytes = try read(4 * limit + 2)
        } catch let error as ImageError where error.code == .limit {
            throw tooLarge
        }
        guard let bytes else { return nil }
        let text = try decoded(bytes, name: name)
        guard text.count <= limit else { throw tooLarge }
        return text
    }

    /// - Parameter name: of the file, for messages.
    package static func decoded(_ bytes: [UInt8], name: String) throws -> [UInt8] {
        func unsupported(_ encoding: String) -> ImageError {
            .damaged("\(name): \(encoding); save it as UTF-8")
        }
        var text = bytes[...]
        if bytes.starts(with: [0xff, 0xfe, 0, 0]) || bytes.starts(with: [0, 0, 0xfe, 0xff]) {
            throw unsupported("text in UTF-32 is not supported")
        } else if bytes.starts(with: [0xef, 0xbb, 0xbf]) {
            text = bytes.dropFirst(3)
        } else if let decoded = try utf16(bytes, orThrow: unsupported("invalid UTF-16")) {
            text = decoded[...]
        }
        guard !text.contains(0) else { throw unsupported("not text in UTF-8 or UTF-16") }
        return text.contains(UInt8(ascii: "\r")) ? withPlainLineEnds(text) : Array(text)
    }

    /// - Returns: nil without the byte order mark of UTF-16.
    private static func utf16(_ bytes: [UInt8], orThrow error: ImageError) throws -> [UInt8]? {
        let isLittle = bytes.starts(with: [0xff, 0xfe])
        guard isLittle || bytes.starts(with: [0xfe, 0xff]) else { return nil }
        guard bytes.count % 2 == 0 else { throw error }
        let units = stride(from: 2, to: bytes.count, by: 2).map { position in
            let (first, second) = (UInt16(bytes[position]), UInt16(bytes[position + 1]))
            return isLittle ? second << 8 | first : first << 8 | second
        }
        guard let text = String(validating: units, as: UTF16.self) else { throw error }
        return Array(text.utf8)
    }

    /// `\r\n` and a lone `\r` as `\n`.
    private static func withPlainLineEnds(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        let (newline, `return`) = (UInt8(ascii: "\n"), UInt8(ascii: "\r"))
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count)
        var last: UInt8 = 0
        for byte in bytes {
            if byte == `return` {
                text.append(newline)
            } else if byte != newline || last != `return` {
                text.append(byte)
            }
            last = byte
        }
        return text
    }
}

/// The bytes of a document that comes in pieces: those that were read and not taken yet.
struct DocumentBytes: ~Copyable {
    private let name: String
    private let fill: (UnsafeMutableRawBufferPointer) throws -> Int
    private var buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 128 << 10, alignment: 16)
    private var position = 0
    private var end = 0
    /// Bytes that were read.
    private var size = 0

    init(name: String, fill: @escaping (UnsafeMutableRawBufferPointer) throws -> Int) {
        self.name = name
        self.fill = fill
    }

    deinit { buffer.deallocate() }

    /// Bytes that were taken.
    var offset: Int { size - (end - position) }

    /// The next byte that is no space; nil at the end.
    mutating func peek() throws -> UInt8? {
        var spaces = 0
        while true {
            while position < end {
                let byte = buffer[position]
                guard byte == 32 || byte == 10 || byte == 13 || byte == 9 else { return byte }
                position += 1
                spaces += 1
            }
            // What nobody writes need not be read to its end.
            guard spaces <= Document.sizeLimit else { throw tooLarge("more space than", Document.sizeLimit) }
            guard try readMore() else { return nil }
        }
    }

    /// Takes the byte at hand.
    mutating func skip() { position += 1 }

    /// Takes bytes that are known to be there.
    mutating func take(_ count: Int) -> UnsafeRawBufferPointer {
        defer { position += count }
        return UnsafeRawBufferPointer(rebasing: buffer[position..<position + count])
    }

    /// The length of the value at hand, which was peeked at. Whether it is JSON is for others to say.
    ///
    /// - Throws: `ImageError` if it is larger than a single document may be.
    mutating func lengthOfValue() throws -> Int {
        var length = 0
        var depth = 0
        var isString = false
        while true {
            let available = UnsafeRawBufferPointer(rebasing: buffer[position..<end])
            while length < available.count {
                let byte = available[length]
                if isString {
                    if byte == UInt8(ascii: "\"") {
                        isString = false
                        if depth == 0 { return try limited(length + 1) }
                    }
                    length += byte == UInt8(ascii: "\\") ? 2 : 1
                    continue
                }
                switch byte {
                case UInt8(ascii: "\""), UInt8(ascii: "{"), UInt8(ascii: "["):
                    if depth == 0, length > 0 { return try limited(length) }
                    if byte == UInt8(ascii: "\"") { isString = true } else { depth += 1 }
                case UInt8(ascii: "}"), UInt8(ascii: "]"):
                    if depth == 0 { return try limited(length) }
                    depth -= 1
                    if depth == 0 { return try limited(length + 1) }
                case UInt8(ascii: ","), UInt8(ascii: ":"), 32, 10, 13, 9:
                    if depth == 0 { return try limited(length) }
                default: break
                }
                length += 1
            }
            _ = try limited(length)
            guard try readMore() else {
                guard depth == 0, !isString else { throw endedTooEarly }
                return length
            }
        }
    }

    /// Takes the string at hand, however long, in pieces as they stand in the document.
    ///
    /// - Parameter body: is given what lies between the quotation marks; an escape is in one piece, and alone.
    mutating func takeString(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        position += 1
        while true {
            let available = UnsafeRawBufferPointer(rebasing: buffer[position..<end])
            let special = available.firstIndex { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }
            let plain = take(special ?? available.count)
            if !plain.isEmpty { try body(plain) }
            guard special != nil else {
                guard try readMore() else { throw endedTooEarly }
                continue
            }
            guard buffer[position] == UInt8(ascii: "\\") else { return skip() }
            // `\u0041` is the longest.
            while end - position < 6, try readMore() {}
            guard end - position >= 2 else { throw endedTooEarly }
            try body(take(buffer[position + 1] == UInt8(ascii: "u") ? min(6, end - position) : 2))
        }
    }

    private var endedTooEarly: ImageError {
        ImageError.invalidDocument("\(name) cannot be understood: it ends too early")
    }

    private func limited(_ length: Int) throws -> Int {
        guard length <= Document.sizeLimit else { throw tooLarge("an entry of more than", Document.sizeLimit) }
        return length
    }

    private func tooLarge(_ what: String, _ limit: Int) -> ImageError {
        ImageError.invalidDocument("\(name) has \(what) \(limit) bytes near byte \(offset), which is the limit")
    }

    /// Reads on, behind what was read and not taken.
    ///
    /// - Returns: false at the end.
    private mutating func readMore() throws -> Bool {
        if position > 0 {
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[position..<end]))
            end -= position
            position = 0
        }
        let before = size
        var isOver = false
        // Three bytes at least, to see a byte order mark, which means nothing in UTF-8.
        while size == before || size < 3, !isOver {
            if end == buffer.count { grow() }
            let count = try fill(UnsafeMutableRawBufferPointer(rebasing: buffer[end...]))
            isOver = count == 0
            // Every document has ASCII in it, which other encodings write with zeros.
            guard !buffer[end..<end + count].contains(0) else { throw Document.error(.notUTF8, in: name) }
            end += count
            size += count
            guard size <= Document.listSizeLimit else { throw tooLarge("more than", Document.listSizeLimit) }
        }
        if before < 3, size >= 3, buffer[..<3].elementsEqual([0xef, 0xbb, 0xbf]) { position = 3 }
        return size > before
    }

    private mutating func grow() {
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * buffer.count, alignment: 16)
        larger.copyMemory(from: UnsafeRawBufferPointer(buffer))
        buffer.deallocate()
        buffer = larger
    }
}

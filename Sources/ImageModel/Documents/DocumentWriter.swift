/// Writes a JSON document part by part, as `Document.encode` does it as a whole, and no larger than `DocumentReader`
/// reads it.
package struct DocumentWriter: ~Copyable {
    private let name: String
    private let sink: (UnsafeRawBufferPointer) throws -> Void
    /// What was not passed on yet.
    private var buffer: [UInt8] = []
    /// Bytes, and elements and members, so far.
    private var size = 0
    private var count = 0
    private var needsComma = false

    private static let bufferSize = 64 << 10

    private init(name: String, sink: @escaping (UnsafeRawBufferPointer) throws -> Void) {
        self.name = name
        self.sink = sink
    }

    /// Writes a document.
    ///
    /// - Parameters:
    ///   - name: what it is, for messages.
    ///   - sink: is given the bytes.
    /// - Throws: `ImageError` if it becomes larger than what is read.
    package static func write(
        name: String, to sink: @escaping (UnsafeRawBufferPointer) throws -> Void,
        _ body: (inout DocumentWriter) throws -> Void
    ) throws {
        var writer = DocumentWriter(name: name, sink: sink)
        try body(&writer)
        try writer.flush()
    }

    /// A document in memory.
    package static func bytes(name: String, _ body: (inout DocumentWriter) throws -> Void) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try withoutActuallyEscaping({ bytes += $0 }) { try write(name: name, to: $0, body) }
        return bytes
    }

    /// - Parameter body: writes the members, in the order of their keys.
    package mutating func object(_ body: (inout DocumentWriter) throws -> Void) throws {
        try nest("{", "}", body)
    }

    /// - Parameter body: writes the elements.
    package mutating func array(_ body: (inout DocumentWriter) throws -> Void) throws { try nest("[", "]", body) }

    /// An array of elements that are encoded one by one.
    package mutating func array(_ elements: some Sequence<some Encodable>) throws {
        try array { writer in
            for element in elements { try writer.value(element) }
        }
    }

    private mutating func nest(
        _ start: StaticString, _ end: StaticString, _ body: (inout DocumentWriter) throws -> Void
    ) throws {
        try begin(counting: 1)
        put(start)
        needsComma = false
        try body(&self)
        put(end)
        needsComma = true
    }

    /// A member's key; its value has to follow.
    package mutating func member(_ key: String) throws {
        try begin()
        try put(text: key)
        put(":")
        needsComma = false
    }

    package mutating func member(_ key: String, _ text: String) throws {
        try member(key)
        try value(text)
    }

    package mutating func member(_ key: String, _ value: some Encodable) throws {
        try member(key)
        try self.value(value)
    }

    package mutating func member(_ key: String, array elements: some Sequence<some Encodable>) throws {
        try member(key)
        try array(elements)
    }

    package mutating func value(_ text: String) throws {
        try begin(counting: 1)
        try put(text: text)
        needsComma = true
    }

    private mutating func put(text: String) throws {
        // To encode a text takes long, and most are plain.
        let isPlain = text.utf8.allSatisfy {
            $0 >= 32 && $0 < 127 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
        }
        guard isPlain else {
            buffer += try Document.encode(text)
            return
        }
        put("\"")
        buffer += text.utf8
        put("\"")
    }

    package mutating func value(_ value: some Encodable) throws { try entry(Document.encode(value)) }

    /// A value that is JSON already.
    package mutating func entry(_ json: [UInt8]) throws {
        guard json.count <= Document.sizeLimit else {
            throw ImageError.invalidDocument(
                "\(name) would have an entry of \(json.count) bytes, the limit is \(Document.sizeLimit)")
        }
        try begin(counting: 1)
        buffer += json
        needsComma = true
    }

    /// A string that needs no escape, in pieces, however long.
    ///
    /// - Parameter next: gives the next piece; nil at the end.
    package mutating func string(_ next: () throws -> [UInt8]?) throws {
        try begin(counting: 1)
        put("\"")
        while let piece = try next() {
            buffer += piece
            if buffer.count >= Self.bufferSize { try flush() }
        }
        put("\"")
        needsComma = true
    }

    private mutating func begin(counting new: Int = 0) throws {
        if needsComma { put(",") }
        count += new
        guard count <= Document.entryLimit else {
            throw ImageError.invalidDocument(
                "\(name) would have more than \(Document.entryLimit) entries, which is the limit")
        }
        if buffer.count >= Self.bufferSize { try flush() }
    }

    private mutating func put(_ text: StaticString) {
        buffer.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private mutating func flush() throws {
        size += buffer.count
        guard size <= Document.listSizeLimit else {
            throw ImageError.invalidDocument(
                "\(name) would have more than \(Document.listSizeLimit) bytes, which is the limit")
        }
        try buffer.withUnsafeBytes { try sink($0) }
        buffer.removeAll(keepingCapacity: true)
    }
}

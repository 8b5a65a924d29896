/// Reads a JSON document as it comes, part by part and in bounded memory: for a list that is too large to be held as
/// text.
///
/// A caller steps into objects and arrays, and takes whatever else there is as a whole: an *entry*, which may be as
/// large as a single document. What `Document` refuses in a whole document is refused here, too.
///
/// ```swift
/// var reader = DocumentReader(name: "index.json", members: .manifest) { try source.read(into: $0) }
/// let rest = try reader.object { reader, key in
///     guard key == "manifests" else { return false }
///     try reader.array(of: Descriptor.self) { entries.append($0) }
///     return true
/// }
/// try reader.expectEnd()
/// ```
package struct DocumentReader: ~Copyable {
    package let name: String
    private let members: MemberNames?
    private let acceptsSpellings: Bool
    private var bytes: DocumentBytes
    /// Elements and members that were read.
    private var count = 0
    /// The objects and arrays that are open, outermost first.
    private var open: [DocumentStep] = []

    /// - Parameters:
    ///   - name: what the document is, for messages.
    ///   - members: keys that other readers find in any letter case.
    ///   - acceptsSpellings: whether they are read in any letter case here, too; else another spelling is refused.
    ///   - fill: reads the next bytes; 0 at the end.
    package init(
        name: String, members: MemberNames? = nil, acceptsSpellings: Bool = false,
        fill: @escaping (UnsafeMutableRawBufferPointer) throws -> Int
    ) {
        self.name = name
        self.members = members
        self.acceptsSpellings = acceptsSpellings
        bytes = DocumentBytes(name: name, fill: fill)
    }

    /// - Parameter document: at hand.
    package init(_ document: [UInt8], name: String, members: MemberNames? = nil, acceptsSpellings: Bool = false) {
        var position = 0
        self.init(name: name, members: members, acceptsSpellings: acceptsSpellings) { buffer in
            let piece = document[position...].prefix(buffer.count)
            buffer.copyBytes(from: piece)
            position += piece.count
            return piece.count
        }
    }

    // MARK: Objects and arrays

    /// Reads an object.
    ///
    /// - Parameter take: is given each key, and takes the member's value, unless it returns false.
    /// - Returns: an object of the members that were not taken.
    @discardableResult
    package mutating func object(
        _ take: (_ reader: inout DocumentReader, _ key: String) throws -> Bool
    ) throws -> [UInt8] {
        try begin(UInt8(ascii: "{"), "an object")
        var keys: Set<ByteText> = []
        var rest: [UInt8] = []
        var isOver = try ends(with: UInt8(ascii: "}"))
        while !isOver {
            let spelling = try value()
            let key = try key(spelling)
            guard keys.insert(ByteText(key)).inserted else { throw Document.error(.repeatedKey(key), in: name) }
            guard try bytes.peek() == UInt8(ascii: ":") else { throw malformed("':' is missing after a name") }
            bytes.skip()
            try step(to: .member(key))
            if try !take(&self, key) {
                rest += (rest.isEmpty ? "{" : ",").utf8
                rest += try spelling + [UInt8(ascii: ":")] + entry()
                guard rest.count <= Document.sizeLimit else {
                    throw ImageError.invalidDocument(
                        "\(name) has more than \(Document.sizeLimit) bytes beside its lists")
                }
            }
            isOver = try !goesOn(to: UInt8(ascii: "}"))
        }
        guard !rest.isEmpty else { return Array("{}".utf8) }
        rest.append(UInt8(ascii: "}"))
        _ = try Document.decode(JSONAnything.self, fromChecked: rest, name: name, at: open)
        return rest
    }

    /// Reads an array.
    ///
    /// - Parameter take: takes each element.
    package mutating func array(_ take: (_ reader: inout DocumentReader) throws -> Void) throws {
        try begin(UInt8(ascii: "["), "an array")
        var isOver = try ends(with: UInt8(ascii: "]"))
        var index = 0
        while !isOver {
            try step(to: .element(index))
            try take(&self)
            index += 1
            isOver = try !goesOn(to: UInt8(ascii: "]"))
        }
    }

    /// Reads an array of small elements. Several are decoded at a time: to begin is half of the work.
    ///
    /// - Parameter limit: bytes of one element.
    package mutating func array<T: Decodable>(
        of type: T.Type, limit: Int = Document.sizeLimit, _ body: (T) throws -> Void
    ) throws {
        var batch: [UInt8] = []
        var first = 0
        var next = 0
        let (steps, name, members) = (open, name, acceptsSpellings ? members : nil)
        func decode() throws {
            guard !batch.isEmpty else { return }
            let elements = try Document.decode(
                [T].self, fromChecked: batch + [UInt8(ascii: "]")], name: name, respelling: members, at: steps,
                from: first)
            for element in elements { try body(element) }
            batch.removeAll(keepingCapacity: true)
            first = next
        }
        try array { reader in
            let element = try reader.entry()
            guard element.count <= limit else {
                throw ImageError.invalidDocument(
                    "\(name): \(steps.place)an entry has more than \(limit >> 10) KiB, which is the limit")
            }
            batch += (batch.isEmpty ? "[" : ",").utf8
            batch += element
            next += 1
            if batch.count >= Self.batchSize { try decode() }
        }
        try decode()
    }

    private static let batchSize = 32 << 10

    /// Whether the value is null, which is taken then.
    package mutating func takesNull() throws -> Bool {
        guard try bytes.peek() == UInt8(ascii: "n") else { return false }
        guard try value() == Array("null".utf8) else { throw malformed("a word means nothing") }
        return true
    }

    package mutating func isArray() throws -> Bool { try bytes.peek() == UInt8(ascii: "[") }
    package mutating func isObject() throws -> Bool { try bytes.peek() == UInt8(ascii: "{") }

    /// - Throws: `ImageError` if anything follows what was read.
    package mutating func expectEnd() throws {
        guard try bytes.peek() == nil else { throw malformed("something follows the value") }
    }

    private mutating func begin(_ bracket: UInt8, _ kind: String) throws {
        guard let byte = try bytes.peek() else { throw malformed("it ends too early") }
        guard byte == bracket else { throw wrong("it is not \(kind)") }
        bytes.skip()
        guard open.count < Document.depthLimit else { throw Document.error(.tooDeep, in: name) }
        open.append(.element(0))
    }

    /// Whether an object or array ends before its first part.
    private mutating func ends(with bracket: UInt8) throws -> Bool {
        guard try bytes.peek() == bracket else { return false }
        bytes.skip()
        open.removeLast()
        return true
    }

    private mutating func step(to step: DocumentStep) throws {
        open[open.count - 1] = step
        count += 1
        guard count <= Document.entryLimit else {
            throw ImageError.invalidDocument("\(name) has more than \(Document.entryLimit) entries, which is the limit")
        }
    }

    /// Takes what follows a part: a comma, or the end.
    private mutating func goesOn(to bracket: UInt8) throws -> Bool {
        let byte = try bytes.peek()
        guard byte == bracket || byte == UInt8(ascii: ",") else {
            let kind = bracket == UInt8(ascii: "}") ? "an object" : "an array"
            throw malformed("\(kind) does not go on with ',' or end with '\(Character(Unicode.Scalar(bracket)))'")
        }
        bytes.skip()
        if byte == bracket { open.removeLast() }
        return byte != bracket
    }

    /// The key as it is read, whatever its spelling.
    private func key(_ spelling: [UInt8]) throws -> String {
        guard spelling.first == UInt8(ascii: "\"") else { throw malformed("a name is missing") }
        let key = try text(spelling)
        guard let name = members?.name(misspelled: Array(key.utf8)), !isFree(open.dropLast()) else { return key }
        guard acceptsSpellings else { throw Document.error(.otherSpelling(key, of: name), in: self.name) }
        return name
    }

    // MARK: Entries

    /// Takes a value as a whole.
    ///
    /// - Returns: its text, in which `Document` finds nothing to refuse but that it may be no JSON.
    package mutating func entry() throws -> [UInt8] {
        let text = try value()
        try Document.check(
            text, name: name, members, acceptsSpellings, depth: open.count, isFree: isFree(open[...]))
        return text
    }

    package mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
        let text = try entry()
        return try Document.decode(
            type, fromChecked: text, name: name, respelling: acceptsSpellings ? members : nil, at: open)
    }

    package mutating func string() throws -> String {
        let text = try value()
        guard text.first == UInt8(ascii: "\"") else { throw wrong("it is not a string") }
        return try self.text(text)
    }

    /// Skips a value of any total size; the limits apply to its parts.
    package mutating func skip() throws {
        if try isObject() {
            try object { reader, _ in
                try reader.skip()
                return true
            }
        } else if try isArray() {
            try array { try $0.skip() }
        } else {
            _ = try value()
        }
    }

    /// Takes a string, however long, in pieces as they stand in the document.
    ///
    /// - Parameter body: is given what lies between the quotation marks; an escape is in one piece, and alone.
    package mutating func string(pieces body: (UnsafeRawBufferPointer) throws -> Void) throws {
        guard try bytes.peek() == UInt8(ascii: "\"") else { throw wrong("it is not a string") }
        try bytes.takeString(body)
    }

    private mutating func value() throws -> [UInt8] {
        guard try bytes.peek() != nil else { throw malformed("it ends too early") }
        let length = try bytes.lengthOfValue()
        guard length > 0 else { throw malformed("a value is missing") }
        return Array(bytes.take(length))
    }

    private func text(_ string: [UInt8]) throws -> String {
        do {
            guard let text = try JSONParser.parse(string).string else { throw malformed("a string is missing") }
            return text
        } catch let error as JSONError {
            throw malformed(error.reason)
        }
    }

    /// Whether keys are whatever somebody likes to write, below some steps.
    private func isFree(_ steps: ArraySlice<DocumentStep>) -> Bool {
        guard let members else { return false }
        return steps.contains { step in
            if case .member(let key) = step { members.isFree(below: Array(key.utf8)) } else { false }
        }
    }

    // MARK: What is wrong

    private func malformed(_ reason: String) -> ImageError {
        ImageError.invalidDocument("\(name) cannot be understood: \(reason), near byte \(bytes.offset)")
    }

    /// The value is not of the kind that it has to be.
    package func wrong(_ reason: String) -> ImageError {
        ImageError.invalidDocument("\(name) cannot be understood: \(open.place)\(reason)")
    }
}

/// Compares as bytes: to Swift, two spellings of one character are the same.
private struct ByteText: Hashable {
    private let text: String

    init(_ text: String) { self.text = text }

    static func == (one: ByteText, other: ByteText) -> Bool { one.text.utf8.elementsEqual(other.text.utf8) }

    func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

import ImageModel

/// Finds what a manifest refers to, and takes more for a reference rather than less.
///
/// A garbage collection must not miss what some registry or client would find: so a member that stands twice
/// counts twice, and names of members count in every spelling that Go accepts. It reads a manifest in about a
/// microsecond, which a decoder that makes values does not. A document that it does not understand, or that readers
/// may take for two kinds of manifest, is an error.
package struct ReferenceScanner {
    /// What one descriptor says.
    private struct Reference {
        var digest: String?
        var mediaType: String?
    }

    private static let depthLimit = 64

    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    private init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// - Throws: `ImageError` if it is no manifest, or one that cannot be understood.
    package static func scan(_ bytes: UnsafeRawBufferPointer) throws -> ManifestReferences {
        var scanner = ReferenceScanner(bytes)
        return try scanner.document()
    }

    private func failure(_ what: String) -> ImageError { ImageError.invalidDocument("\(what) at byte \(position)") }

    // MARK: The document

    private mutating func document() throws -> ManifestReferences {
        var references = ManifestReferences()
        var members: ManifestMembers = []
        var mediaType: MediaType?
        try object(depth: 1) { scanner, name in
            let member = ManifestMembers(folded: name)
            switch member {
            case .config:
                guard let found = try scanner.reference("DIGEST") else { return }
                try references.addBlob(found.digest)
            case .layers, .blobs, .fsLayers:
                let key = member == .fsLayers ? "BLOBSUM" : "DIGEST"
                guard
                    try scanner.array({ scanner in
                        if let found = try scanner.reference(key) { try references.addBlob(found.digest) }
                    })
                else { return }
            case .manifests:
                guard
                    try scanner.array({ scanner in
                        guard let found = try scanner.reference("DIGEST") else { return }
                        if let kind = MediaType(found.mediaType ?? "").manifestKind {
                            try references.addChild(found.digest, claimedAs: kind)
                        } else {
                            try references.addBlob(found.digest)
                        }
                    })
                else { return }
            default:
                switch name {
                case "SUBJECT":
                    if let found = try scanner.reference("DIGEST") { try references.addSubject(found.digest) }
                case "MEDIATYPE": mediaType = try scanner.textOrSkip(depth: 1).map { MediaType($0) }
                default: try scanner.skip(depth: 1)
                }
                return
            }
            members.formUnion(member)
        }
        skipSpace()
        guard position == bytes.count else { throw failure("there is more than one JSON value,") }
        guard let kind = try ManifestKind(of: members, mediaType: mediaType, name: "the document") else {
            throw ImageError.invalidDocument("the document is not a manifest: it has none of a manifest's members")
        }
        references.kind = kind
        return references
    }

    /// A descriptor; nil for null.
    ///
    /// - Parameter key: the folded name of the member that holds the digest.
    private mutating func reference(_ key: String) throws -> Reference? {
        if try null() { return nil }
        var found = Reference()
        try object(depth: 3) { scanner, name in
            if name == key {
                let text = try scanner.textOrSkip(depth: 3)
                guard found.digest == nil || found.digest == text else {
                    throw scanner.failure("a descriptor has two digests")
                }
                found.digest = text
            } else if name == "MEDIATYPE" {
                found.mediaType = try scanner.textOrSkip(depth: 3)
            } else {
                try scanner.skip(depth: 3)
            }
        }
        return found
    }

    // MARK: JSON

    /// - Parameter body: reads the value of the member, and gets its name as `MemberNames.fold` returns it.
    private mutating func object(
        depth: Int, _ body: (inout ReferenceScanner, String) throws -> Void
    ) throws {
        try expect(UInt8(ascii: "{"))
        skipSpace()
        if take(UInt8(ascii: "}")) { return }
        repeat {
            skipSpace()
            let name = MemberNames.fold(try text())
            skipSpace()
            try expect(UInt8(ascii: ":"))
            try body(&self, name)
            skipSpace()
        } while take(UInt8(ascii: ","))
        try expect(UInt8(ascii: "}"))
    }

    /// - Returns: whether there is an array, and not null.
    @discardableResult
    private mutating func array(_ body: (inout ReferenceScanner) throws -> Void) throws -> Bool {
        if try null() { return false }
        try expect(UInt8(ascii: "["))
        skipSpace()
        if take(UInt8(ascii: "]")) { return true }
        repeat {
            try body(&self)
            skipSpace()
        } while take(UInt8(ascii: ","))
        try expect(UInt8(ascii: "]"))
        return true
    }

    private mutating func skip(depth: Int) throws {
        guard depth < Self.depthLimit else { throw failure("nested more than \(Self.depthLimit) levels deep") }
        skipSpace()
        guard position < bytes.count else { throw failure("it ends too early") }
        switch bytes[position] {
        case UInt8(ascii: "{"): try object(depth: depth + 1) { scanner, _ in try scanner.skip(depth: depth + 1) }
        case UInt8(ascii: "["): try array { try $0.skip(depth: depth + 1) }
        case UInt8(ascii: "\""): _ = try rawText()
        default:
            // A number or a word: what follows it shows whether the document is sound.
            let start = position
            while position < bytes.count {
                let byte = bytes[position]
                let isPart =
                    (48...57).contains(byte) || (97...122).contains(byte) || byte == UInt8(ascii: "-")
                    || byte == UInt8(ascii: "+") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "E")
                guard isPart else { break }
                position += 1
            }
            guard position > start else { throw failure("it is not JSON") }
        }
    }

    /// A string's value; anything else is passed over.
    private mutating func textOrSkip(depth: Int) throws -> String? {
        skipSpace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
            try skip(depth: depth)
            return nil
        }
        return try text()
    }

    private mutating func text() throws -> String {
        let raw = try rawText()
        let isPlain = !raw.contains(UInt8(ascii: "\\"))
        if isPlain { return String(decoding: raw, as: UTF8.self) }
        let quote = [UInt8(ascii: "\"")]
        return try Document.value(from: quote + raw + quote, name: "it").string ?? ""
    }

    /// What is between two quotes.
    private mutating func rawText() throws -> UnsafeRawBufferPointer {
        try expect(UInt8(ascii: "\""))
        let start = position
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\\"): position += 2
            case UInt8(ascii: "\""):
                position += 1
                return UnsafeRawBufferPointer(rebasing: bytes[start..<position - 1])
            default: position += 1
            }
        }
        throw failure("a string does not end")
    }

    private mutating func null() throws -> Bool {
        skipSpace()
        guard bytes[position...].starts(with: "null".utf8) else { return false }
        position += 4
        return true
    }

    private mutating func skipSpace() {
        while position < bytes.count {
            let byte = bytes[position]
            guard byte == 32 || byte == 10 || byte == 13 || byte == 9 else { return }
            position += 1
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ byte: UInt8) throws {
        skipSpace()
        guard take(byte) else {
            throw failure("it is not JSON: '\(Character(UnicodeScalar(byte)))' is missing")
        }
    }
}

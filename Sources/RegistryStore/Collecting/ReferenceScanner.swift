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

    private var cursor: JSONCursor

    /// - Throws: `ImageError` if it is no manifest, or one that cannot be understood.
    package static func scan(_ bytes: UnsafeRawBufferPointer) throws -> ManifestReferences {
        var scanner = ReferenceScanner(cursor: JSONCursor(bytes))
        return try scanner.document()
    }

    private func failure(_ what: String) -> ImageError { .invalidDocument("\(what) at byte \(cursor.position)") }

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
        guard cursor.peek() == nil else { throw failure("there is more than one JSON value,") }
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
        if null() { return nil }
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
        cursor.skipSpace()
        if cursor.take(UInt8(ascii: "}")) { return }
        repeat {
            let name = MemberNames.fold(try text())
            try expect(UInt8(ascii: ":"))
            try body(&self, name)
            cursor.skipSpace()
        } while cursor.take(UInt8(ascii: ","))
        try expect(UInt8(ascii: "}"))
    }

    /// - Returns: whether there is an array, and not null.
    @discardableResult
    private mutating func array(_ body: (inout ReferenceScanner) throws -> Void) throws -> Bool {
        if null() { return false }
        try expect(UInt8(ascii: "["))
        cursor.skipSpace()
        if cursor.take(UInt8(ascii: "]")) { return true }
        repeat {
            try body(&self)
            cursor.skipSpace()
        } while cursor.take(UInt8(ascii: ","))
        try expect(UInt8(ascii: "]"))
        return true
    }

    private mutating func skip(depth: Int) throws {
        guard depth < Self.depthLimit else { throw failure("nested more than \(Self.depthLimit) levels deep") }
        switch cursor.peek() {
        case nil: throw failure("it ends too early")
        case UInt8(ascii: "{"): try object(depth: depth + 1) { scanner, _ in try scanner.skip(depth: depth + 1) }
        case UInt8(ascii: "["): try array { try $0.skip(depth: depth + 1) }
        case UInt8(ascii: "\""): _ = try rawText()
        default:
            // A number or a word: what follows it shows whether the document is sound.
            let count = cursor.takeAll {
                (48...57).contains($0) || (97...122).contains($0) || $0 == UInt8(ascii: "-")
                    || $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "E")
            }
            guard count > 0 else { throw failure("it is not JSON") }
        }
    }

    /// A string's value; anything else is passed over.
    private mutating func textOrSkip(depth: Int) throws -> String? {
        if cursor.peek() == UInt8(ascii: "\"") { return try text() }
        try skip(depth: depth)
        return nil
    }

    private mutating func text() throws -> String {
        cursor.skipSpace()
        let start = cursor
        let (raw, hasEscape) = try rawText()
        guard hasEscape else { return String(decoding: raw, as: UTF8.self) }
        cursor = start
        do {
            return try cursor.string()
        } catch {
            throw failure(error.reason)
        }
    }

    private mutating func rawText() throws -> (text: UnsafeRawBufferPointer, hasEscape: Bool) {
        do {
            return try cursor.rawString()
        } catch {
            throw failure(error.reason)
        }
    }

    private mutating func null() -> Bool {
        cursor.skipSpace()
        return cursor.take("null")
    }

    private mutating func expect(_ byte: UInt8) throws {
        cursor.skipSpace()
        guard cursor.take(byte) else {
            throw failure("it is not JSON: '\(Character(UnicodeScalar(byte)))' is missing")
        }
    }
}

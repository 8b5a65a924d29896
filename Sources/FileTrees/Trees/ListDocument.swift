package import ByteStreams
package import ImageModel

/// A document that lists images or blobs, however many, and is read as it comes.
package protocol ListDocument: Sendable {
    /// Keys that other readers find in any letter case; nil where nobody else's reader matters.
    static var members: MemberNames? { get }
    /// Whether they are read in any letter case here, too.
    static var acceptsSpellings: Bool { get }
    /// - Throws: `ImageError`.
    init(_ reader: inout DocumentReader) throws
    /// Reads all of a source.
    ///
    /// - Throws: `ImageError`.
    init(reading source: any ByteSource, name: String) throws
}

extension ListDocument {
    package static var members: MemberNames? { nil }
    package static var acceptsSpellings: Bool { false }

    package init(reading source: any ByteSource, name: String) throws {
        var reader = DocumentReader(
            source, name: name, members: Self.members, acceptsSpellings: Self.acceptsSpellings)
        try self.init(&reader)
        try reader.expectEnd()
    }
}

extension FileTree {
    /// The first bytes of a file; nil if there is none.
    package func start(of path: String) throws -> [UInt8]? {
        if let stream = self as? StreamedTree, let start = try stream.startOfList(at: path) { return start }
        return try open(path).map { try PeekingSource($0).peek(512) }
    }

    /// A list; nil if there is no such file.
    ///
    /// - Throws: `ImageError`; `ImageError.limit` if it is larger than any list.
    package func list<List: ListDocument>(_ type: List.Type, at path: String) throws -> List? {
        try identifiedList(type, at: path)?.content
    }

    /// Likewise with the digest of the very bytes that it was read from: whoever vouches for that vouches for what the list
    /// says, whatever is in the file by now.
    package func identifiedList<List: ListDocument>(
        _ type: List.Type, at path: String
    ) throws -> (content: List, digest: Digest)? {
        if let stream = self as? StreamedTree, let list = try stream.list(type, at: path) { return list }
        guard let size = try size(of: path) else {
            // A pipe or a device in its place is an error.
            _ = try read(path, limit: 0)
            return nil
        }
        let name = "\(title): \(path)"
        guard size <= Document.listSizeLimit else {
            throw ImageError.limit("\(name) is larger than the limit of \(Document.listSizeLimit) bytes")
        }
        guard let source = try open(path).map({ HashingSource($0) }) else { return nil }
        let list = try List(reading: source, name: name)
        _ = try source.drain()
        return (list, source.digest())
    }
}

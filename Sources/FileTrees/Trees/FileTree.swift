package import ByteStreams
package import ImageModel
package import ImageTransfer

/// Files below a root, wherever the root is: a directory, a tar that is indexed, a tar that streams by.
/// Each format is read once, over this, whatever holds it.
///
/// Paths are relative, with single slashes. All calls block.
package protocol FileTree: Sendable {
    /// What messages call it.
    var title: String { get }
    /// The path of the directory, or of the archive; `-` for standard input.
    var path: String { get }

    /// Bytes of a file, links followed; nil if there is no such file.
    func size(of path: String) throws -> Int64?
    /// A whole small file; nil if there is none.
    ///
    /// - Throws: `ImageError.limit` if it is larger than `limit`.
    func read(_ path: String, limit: Int) throws -> [UInt8]?
    /// The bytes of a file, each call anew; nil if there is none.
    func open(_ path: String) throws -> (any ByteSource)?
    /// A file that may be a JSON document, whole; nil if it looks like something else. What would have to be read
    /// again to find out is passed over.
    func document(_ path: String) throws -> [UInt8]?
    /// The names directly below a directory, sorted; nil if there is no such directory.
    func list(_ path: String) throws -> [String]?
    /// Where the links on a path lead, relative to the root where it is below that; nil if nothing is there.
    func resolved(_ path: String) throws -> String?
    /// What identifies a file's bytes, read to find out where that is not known already.
    func facts(of path: String) throws -> FileFacts?
    /// What changes when the file changes, or the archive that it lies in; nil where nothing tells.
    func stamp(of path: String) throws -> String?
}

extension FileTree {
    package var access: SourceAccess { (self as? StreamedTree)?.access ?? .anyOrder }

    package func document(_ path: String) throws -> [UInt8]? {
        guard let size = try size(of: path), size <= Document.sizeLimit, let source = try open(path) else { return nil }
        let peeking = PeekingSource(source)
        guard try peeking.peek(1) == [UInt8(ascii: "{")] else { return nil }
        return try peeking.readAll(limit: Document.sizeLimit, name: "\(title): \(path)")
    }
}

/// A tree that finds the repositories of a registry's storage without entering each directory.
package protocol ListsRepositories {
    /// The directories below one that have a directory whose name begins with `_`, sorted component by component.
    func repositories(in directory: String) throws -> [String]
}

/// Identity and packing of a file's bytes as they lie.
package struct FileFacts: Hashable, Sendable {
    package var digest: Digest
    package var size: Int64
    package var compression: CompressionFormat

    package init(digest: Digest, size: Int64, compression: CompressionFormat) {
        self.digest = digest
        self.size = size
        self.compression = compression
    }
}

extension FileFacts {
    /// Reads to the end.
    package init(reading source: any ByteSource, algorithm: Digest.Algorithm = .sha256) throws {
        let peeking = PeekingSource(source)
        let compression = CompressionFormat.sniff(try peeking.peek(6))
        let hashing = HashingSource(peeking, algorithm: algorithm)
        _ = try hashing.drain()
        self.init(digest: hashing.digest(), size: hashing.count, compression: compression)
    }
}

extension FileTree {
    /// Whether the file that is to be a blob is missing, or has another size.
    package func absence(of blob: Descriptor, at path: String) throws -> BlobAbsence? {
        guard let size = try size(of: path) else {
            return BlobAbsence(reason: "\(title) does not hold it")
        }
        guard blob.size < 0 || size == blob.size else {
            return BlobAbsence(
                reason: "\(title) holds \(size) bytes under its name, not \(blob.size)")
        }
        return nil
    }
}

/// Opens what it reads at the first read, on the thread that reads.
package final class DeferredSource: FileBackedSource {
    private let open: () throws -> any ByteSource
    private var upstream: (any ByteSource)?

    package init(_ open: @escaping () throws -> any ByteSource) { self.open = open }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int { try opened().read(into: buffer) }

    package func filePart() throws -> FilePart? { try (opened() as? any FileBackedSource)?.filePart() }

    private func opened() throws -> any ByteSource {
        let source = try upstream ?? open()
        upstream = source
        return source
    }
}

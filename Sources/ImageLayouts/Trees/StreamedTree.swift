package import ByteStreams
package import ImageModel
package import ImageTransfer
import Synchronization
import TarArchive

/// A tar that comes by once: standard input, or a file that is compressed as a whole.
///
/// `drain` keeps its documents and offers everything else to whoever copies. A file can be run through
/// again for a single member; standard input cannot.
package final class StreamedTree: FileTree {
    package let path: String
    private let limit: InflationLimit
    private let content = Mutex(Content())

    private struct Content: Sendable {
        var isDrained = false
        var members: TarMembers?
        var documents: [String: [UInt8]] = [:]
        var facts: [String: FileFacts] = [:]
    }

    /// Bytes of all documents that are kept in memory.
    private static let documentsLimit = 64 << 20

    /// - Parameter path: `-` for standard input.
    package init(_ path: String, limit: InflationLimit = .standard) {
        self.path = path
        self.limit = limit
    }

    package var title: String { path == "-" ? "standard input" : path }

    private func makeReader() throws -> TarReader {
        let source: any ByteSource =
            path == "-" ? DescriptorSource.standardInput() : FileSource(try OpenFile(reading: path))
        return try TarReader(source, name: title, limit: limit)
    }

    /// Reads to the end, once; a second call does nothing.
    package func drain(_ accept: (StreamedBlob) throws -> Digest) throws {
        guard !content.withLock({ $0.isDrained }) else { return }
        let reader = try makeReader()
        var members = TarMembers(name: title)
        var documents: [String: [UInt8]] = [:]
        var facts: [String: FileFacts] = [:]
        var kept = 0
        while let entry = try reader.next() {
            members.add(entry)
            guard entry.kind == .file else { continue }
            documents[entry.path] = nil
            let body = PeekingSource(reader.body())
            let start = try body.peek(512)
            if Self.isDocument(entry, start), kept + Int(entry.size) <= Self.documentsLimit {
                let bytes = try body.readAll(limit: Document.indexSizeLimit, name: "\(title): \(entry.path)")
                kept += bytes.count
                documents[entry.path] = bytes
                facts[entry.path] = FileFacts(
                    digest: Digest(of: bytes), size: entry.size, compression: CompressionFormat.sniff(start))
            } else {
                let digest = try accept(
                    StreamedBlob(
                        title: "\(title): \(entry.path)", size: entry.size, digest: Self.digest(inPath: entry.path),
                        isPlainTar: Self.isPlainTar(start), content: body))
                facts[entry.path] = FileFacts(
                    digest: digest, size: entry.size, compression: CompressionFormat.sniff(start))
            }
        }
        content.withLock { [members, documents, facts] content in
            content = Content(isDrained: true, members: members, documents: documents, facts: facts)
        }
    }

    /// Drains without keeping blobs, if nobody did it before.
    private func drained() throws -> Content {
        let present = content.withLock { $0 }
        if present.isDrained { return present }
        try drain { blob in
            let hashing = HashingSource(blob.content, algorithm: blob.digest?.algorithm ?? .sha256)
            _ = try hashing.drain()
            return hashing.digest()
        }
        return content.withLock { $0 }
    }

    package func size(of path: String) throws -> Int64? { try drained().members?.file(at: path)?.size }

    package func read(_ path: String, limit: Int) throws -> [UInt8]? {
        try open(path)?.readAll(limit: limit, name: "\(title): \(path)")
    }

    package func open(_ path: String) throws -> (any ByteSource)? {
        let content = try drained()
        guard let entry = try content.members?.file(at: path) else { return nil }
        if let document = content.documents[entry.path] { return BytesSource(document) }
        guard self.path != "-" else {
            throw TransferError.refused("\(title): \(entry.path) has gone by; put the archive into a file to read it")
        }
        let reader = try makeReader()
        while let next = try reader.next() {
            if next.path == entry.path, next.kind == .file { return KeepingSource(reader.body(), alive: reader) }
        }
        throw TransferError.damaged("\(title) changed while it was read: \(entry.path) is gone")
    }

    package func list(_ path: String) throws -> [String]? { try drained().members?.list(path) }

    package func facts(of path: String) throws -> FileFacts? {
        let content = try drained()
        return try content.members?.file(at: path).flatMap { content.facts[$0.path] }
    }

    // MARK: Guessing a member's role

    private static func isDocument(_ entry: TarEntry, _ start: [UInt8]) -> Bool {
        let name = lastComponent(of: entry.path)
        if ["manifest.json", "index.json", "repositories"].contains(name) {
            return entry.size <= Document.indexSizeLimit
        }
        guard entry.size <= Document.sizeLimit else { return false }
        if ["oci-layout", "VERSION", "json", "link", "version"].contains(name) || name.hasSuffix(".json") {
            return true
        }
        return start.first == UInt8(ascii: "{") || start.first == UInt8(ascii: "[")
    }

    private static func isPlainTar(_ start: [UInt8]) -> Bool {
        guard start.count == 512 else { return false }
        return start[257..<262].elementsEqual(Array("ustar".utf8)) || start.allSatisfy { $0 == 0 }
    }

    /// `…/sha256/<hex>`, or `…/sha256/<hh>/<hex>/data` in a registry's store.
    private static func digest(inPath path: String) -> Digest? {
        var parts = path.split(separator: "/")
        if parts.last == "data" {
            parts.removeLast()
            if parts.count >= 2 { parts.remove(at: parts.count - 2) }
        }
        guard parts.count >= 2, let algorithm = Digest.Algorithm(rawValue: String(parts[parts.count - 2])) else {
            return nil
        }
        return Digest(algorithm, hex: parts[parts.count - 1])
    }
}

/// Keeps what a source reads from.
private final class KeepingSource: ByteSource {
    private let upstream: any ByteSource
    private let alive: AnyObject

    init(_ upstream: any ByteSource, alive: AnyObject) {
        self.upstream = upstream
        self.alive = alive
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int { try upstream.read(into: buffer) }
}

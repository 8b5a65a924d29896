package import ByteStreams
package import ImageModel
package import ImageTransfer
import Synchronization
import TarArchive

/// A tar that is read from front to back: standard input or a pipe, once; a file that is compressed as a whole, as
/// often as needed.
///
/// The first `drain` keeps its documents, and knows from then on what each member is. All members that are not
/// kept are offered to whoever drains.
package final class StreamedTree: FileTree {
    package let path: String
    /// nil: what comes through `path` comes once.
    private let file: OpenFile?
    private let options: TreeOptions
    private let content = Mutex(Content())

    private struct Content: Sendable {
        var isDrained = false
        var members = TarMembers.Builder().build(name: "")
        var documents = KeptDocuments()
        var facts: [String: FileFacts] = [:]
        /// Of all empty files.
        var emptyFacts: FileFacts?

        func facts(of entry: TarEntry) -> FileFacts? { entry.size == 0 ? emptyFacts : facts[entry.path] }
    }

    /// - Parameter path: `-` for standard input.
    package init(_ path: String, _ options: TreeOptions = TreeOptions()) {
        self.path = path
        self.options = options
        file = nil
    }

    /// - Parameter file: a compressed one.
    package init(_ file: OpenFile, _ options: TreeOptions = TreeOptions()) {
        path = file.path
        self.options = options
        self.file = file
    }

    package var title: String { path == "-" ? "standard input" : path }
    package var access: SourceAccess { file == nil ? .once : .inOrder }

    private func makeReader() throws -> TarReader {
        let source: any ByteSource
        if let file {
            try file.checkUnchanged()
            source = FileSource(file)
        } else {
            source = path == "-" ? DescriptorSource.standardInput() : try DescriptorSource(reading: path)
        }
        return try TarReader(source, name: title, limit: options.inflation)
    }

    /// Reads to the end. Where that can be done only once, a second call does nothing.
    ///
    /// - Throws: `ImageError.foreign` for what is no tar.
    package func drain(_ accept: (StreamedBlob) throws -> Digest) throws {
        let known = content.withLock { $0 }
        guard known.isDrained else {
            do {
                return try learn(accept)
            } catch let error as NotATarError {
                throw error.explained(path: path)
            }
        }
        guard file != nil else { return }
        let reader = try makeReader()
        while let entry = try reader.next() {
            // Of several members of one path, the last is the one that counts.
            guard entry.kind == .file, try known.members.file(at: entry.path) == entry,
                !known.documents.holds(entry.path), let facts = known.facts(of: entry)
            else { continue }
            _ = try accept(
                StreamedBlob(
                    title: "\(title): \(entry.path)", size: entry.size, digest: facts.digest,
                    compression: facts.compression, isPlainTar: false, content: reader.body()))
        }
    }

    private func learn(_ accept: (StreamedBlob) throws -> Digest) throws {
        let reader = try makeReader()
        var members = TarMembers.Builder()
        var documents = KeptDocuments()
        var facts: [String: FileFacts] = [:]
        var emptyFacts: FileFacts?
        func offer(_ path: String, _ size: Int64, _ digest: Digest?, _ start: [UInt8], _ body: any ByteSource) throws {
            let compression = CompressionFormat.sniff(start)
            let digest = try accept(
                StreamedBlob(
                    title: "\(title): \(path)", size: size, digest: digest, compression: compression,
                    isPlainTar: Self.isPlainTar(start), content: body))
            let found = FileFacts(digest: digest, size: size, compression: compression)
            if size == 0 { emptyFacts = found } else { facts[path] = found }
        }
        while let entry = try reader.next() {
            members.add(entry)
            guard entry.kind == .file else { continue }
            documents.remove(entry.path)
            // One empty blob is as good as another, and a tar can have very many.
            if entry.size == 0, emptyFacts != nil { continue }
            if let list = try KeptList(entry, reader.body(), options.lists, title: title) {
                documents.add(entry.path, list)
                facts[entry.path] = list.facts
                continue
            }
            let body = PeekingSource(reader.body())
            let start = try body.peek(512)
            guard KeptDocuments.isDocument(entry, start) else {
                try offer(entry.path, entry.size, Self.digest(inPath: entry.path), start, body)
                continue
            }
            let bytes = try body.readAll(
                limit: Document.sizeLimit, expected: Int(entry.size), name: "\(title): \(entry.path)")
            let digest = Digest(of: bytes, algorithm: Self.digest(inPath: entry.path)?.algorithm ?? .sha256)
            facts[entry.path] = FileFacts(
                digest: digest, size: entry.size, compression: CompressionFormat.sniff(start))
            for (path, bytes) in documents.add(entry.path, bytes) {
                try offer(
                    path, Int64(bytes.count), Self.digest(inPath: path) ?? Digest(of: bytes), Array(bytes.prefix(512)),
                    BytesSource(bytes))
            }
        }
        let known = Content(
            isDrained: true, members: members.build(name: title), documents: documents, facts: facts,
            emptyFacts: emptyFacts)
        content.withLock { $0 = known }
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

    package func size(of path: String) throws -> Int64? { try drained().members.file(at: path)?.size }

    package func read(_ path: String, limit: Int) throws -> [UInt8]? {
        let name = "\(title): \(path)"
        guard let size = try size(of: path) else { return nil }
        guard size <= limit else { throw ImageError.limit("\(name) is larger than the limit of \(limit) bytes") }
        return try open(path)?.readAll(limit: limit, name: name)
    }

    /// What a list says that was read in passing, and the digest of its bytes.
    func list<List: ListDocument>(_ type: List.Type, at path: String) throws -> (content: List, digest: Digest)? {
        guard let kept = try keptList(at: path), let content = try kept.content.get() as? List else { return nil }
        return (content, kept.facts.digest)
    }

    func startOfList(at path: String) throws -> [UInt8]? { try keptList(at: path)?.start }

    private func keptList(at path: String) throws -> KeptList? {
        let content = try drained()
        return try content.members.file(at: path).flatMap { content.documents.list($0.path) }
    }

    package func open(_ path: String) throws -> (any ByteSource)? {
        let content = try drained()
        guard let entry = try content.members.file(at: path) else { return nil }
        if let document = content.documents[entry.path] { return BytesSource(document) }
        guard file != nil else {
            throw ImageError.refused("\(title): \(entry.path) has gone by; put the archive into a file to read it")
        }
        let reader = try makeReader()
        while let next = try reader.next() {
            if next == entry { return KeepingSource(reader.body(), alive: reader) }
        }
        throw ImageError.damaged("\(title) changed while it was read: \(entry.path) is gone")
    }

    /// Only what was kept: nothing is read again to see whether it is a document.
    package func document(_ path: String) throws -> [UInt8]? {
        let content = try drained()
        return try content.members.file(at: path).flatMap { content.documents[$0.path] }
    }

    package func list(_ path: String) throws -> [String]? { try drained().members.list(path) }

    package func resolved(_ path: String) throws -> String? { try drained().members.resolved(path) }

    package func facts(of path: String) throws -> FileFacts? {
        let content = try drained()
        return try content.members.file(at: path).flatMap { content.facts(of: $0) }
    }

    package func stamp(of path: String) throws -> String? { nil }

    // MARK: Guessing a member's role

    private static func isPlainTar(_ start: [UInt8]) -> Bool {
        guard start.count == 512 else { return false }
        return start[257..<262].elementsEqual(Array("ustar".utf8)) || start.allSatisfy { $0 == 0 }
    }

    /// `…/sha256/<hex>`, or `…/sha256/<hh>/<hex>/data` in a registry's store.
    private static func digest(inPath path: String) -> Digest? {
        var parts = components(of: path)
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

import ByteStreams
public import ImageModel
package import ImageTransfer

/// What was in certain places at a certain time.
public struct Snapshot: Sendable, Identifiable {
    /// Something that a run with `keepGoing` could not read.
    public struct Missing: Sendable, Codable {
        public var source: String
        public var name: String?
        public var digest: Digest?
        public var error: String
    }

    public let id: SnapshotID
    /// References, as they were given.
    public var sources: [String]
    /// Sorted.
    public var repositories: [String]
    public var missing: [Missing]

    /// `_snapshot.json`: all that the ID does not tell.
    private struct Content: Codable {
        var sources: [String]
        var repositories: [String]
        var missing: [Missing]?
    }

    package init(id: SnapshotID, sources: [String], repositories: [String], failures: [CopyReport.Failure]) {
        self.id = id
        self.sources = sources
        self.repositories = repositories.sorted()
        missing = failures.map {
            Missing(source: $0.source, name: $0.name, digest: $0.digest, error: "\($0.error)")
        }
    }

    /// - Throws: `DocumentError`.
    package init(id: SnapshotID, document: [UInt8], name: String) throws {
        let content = try Document.decode(
            Content.self, from: document, name: name, sizeLimit: Document.indexSizeLimit)
        if let bad = content.repositories.first(where: { !ImageName.isRepository($0) }) {
            throw DocumentError("\(name) lists '\(bad)', which is no repository's name")
        }
        self.id = id
        sources = content.sources
        repositories = content.repositories.sorted()
        missing = content.missing ?? []
    }

    /// - Parameter path: of the document, below the backup.
    init(ofDocument bytes: [UInt8], at path: String) throws {
        guard let id = SnapshotID(lastComponent(of: parent(of: path))) else {
            throw DocumentError("\(path) is in no snapshot")
        }
        try self.init(id: id, document: bytes, name: path)
    }

    package func document() throws -> [UInt8] {
        try Document.encode(
            Content(sources: sources, repositories: repositories, missing: missing.isEmpty ? nil : missing),
            pretty: true)
    }
}

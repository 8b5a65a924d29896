package import ByteStreams
import FileTrees
public import ImageModel
public import ImageTransfer

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

    public init(id: SnapshotID, sources: [String], repositories: [String], failures: [CopyReport.Failure]) {
        self.id = id
        self.sources = sources
        self.repositories = repositories.sorted()
        missing = failures.map {
            Missing(
                source: $0.source, name: $0.name, digest: $0.digest,
                error: PrintableURL.hidingSecrets(in: "\($0.error)"))
        }
    }

    init(id: SnapshotID, _ document: SnapshotDocument) {
        self.id = id
        sources = document.sources
        repositories = document.repositories.sorted()
        missing = document.missing
    }

    /// Reads its document.
    ///
    /// - Throws: `ImageError`.
    package init(id: SnapshotID, reading source: any ByteSource, name: String) throws {
        self.init(id: id, try SnapshotDocument(reading: source, name: name))
    }

    /// Writes its document.
    ///
    /// - Throws: `ImageError` if it is larger than what is read.
    public func write(to sink: @escaping (UnsafeRawBufferPointer) throws -> Void) throws {
        try DocumentWriter.write(name: "\(BackupPaths.snapshot(id))/\(BackupPaths.document)", to: sink) { writer in
            try writer.object { writer in
                if !missing.isEmpty {
                    try writer.member("missing", array: missing)
                }
                try writer.member("repositories", array: repositories)
                try writer.member("sources", array: sources)
            }
        }
    }
}

/// `_snapshot.json`: all of a snapshot that its ID does not tell.
struct SnapshotDocument: ListDocument {
    private(set) var sources: [String] = []
    private(set) var repositories: [String] = []
    private(set) var missing: [Snapshot.Missing] = []

    init(_ reader: inout DocumentReader) throws {
        var found: Set<String> = []
        try reader.object { reader, key in
            found.insert(key)
            switch key {
            case "sources": try reader.array { sources.append(try $0.string()) }
            case "repositories": try reader.array { repositories.append(try $0.string()) }
            case "missing":
                if try !reader.takesNull() { try reader.array(of: Snapshot.Missing.self) { missing.append($0) } }
            default: return false
            }
            return true
        }
        for key in ["sources", "repositories"] where !found.contains(key) {
            throw ImageError.invalidDocument("\(reader.name) cannot be understood: '\(key)' is missing")
        }
        if let bad = repositories.first(where: { !ImageName.isRepository($0) }) {
            throw ImageError.invalidDocument("\(reader.name) lists '\(bad)', which is no repository's name")
        }
    }
}

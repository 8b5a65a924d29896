import FileTrees
import ImageModel

/// `manifest.json` of a docker-archive: what `docker save` says is in it.
struct DockerManifestFile: ListDocument {
    struct Item: Sendable {
        var config: String
        var repoTags: [String]?
        var layers: [String]?
    }

    /// Jib before 3.0 writes them in lower case.
    static let members: MemberNames? = MemberNames(["Config", "RepoTags", "Layers", "Parent", "LayerSources"])

    static var acceptsSpellings: Bool { true }

    /// Images and names of one archive, which writers keep to as well. Each costs some kilobytes once it is planned.
    static let nameLimit = 50_000

    private(set) var items: [Item] = []

    /// - Throws: `ImageError`, saying what it is instead.
    init(_ reader: inout DocumentReader) throws {
        guard try reader.isArray() else {
            let isNull = try reader.takesNull()
            throw ImageError.invalidDocument(
                "\(reader.name) lists no images"
                    + (isNull ? " (it is null)" : ": it is not an array, so it is no docker-archive's"))
        }
        // Most images share layers.
        var paths: Set<String> = []
        var names = 0
        try reader.array { reader in
            var item = Item(config: "")
            var hasConfig = false
            try reader.object { reader, key in
                switch key {
                case "Config":
                    item.config = try Self.path(&reader)
                    hasConfig = true
                case "RepoTags": item.repoTags = try reader.strings({ try $0.string() }, { try Self.check($0, in: $1) })
                case "Layers": item.layers = try reader.strings(Self.path)?.map { paths.insert($0).memberAfterInsert }
                default: return false
                }
                return true
            }
            guard hasConfig else { throw reader.wrong("'Config' is missing") }
            items.append(item)
            names += max(1, item.repoTags?.count ?? 0)
            try Self.check(names, in: reader.name)
        }
        guard !items.isEmpty else { throw ImageError.invalidDocument("\(reader.name) lists no images (it is empty)") }
    }

    /// Bytes of a path. Those of all images are in memory at a time.
    private static let pathLimit = 1024

    private static func path(_ reader: inout DocumentReader) throws -> String {
        let path = try reader.string()
        guard path.utf8.count <= pathLimit else {
            throw reader.wrong("the path '\(path.prefix(80))...' is longer than the limit of \(pathLimit) bytes")
        }
        return path
    }

    /// - Parameter names: as many as an archive gives, an image without any being one.
    /// - Throws: `ImageError` for too many.
    static func check(_ names: Int, in title: String) throws(ImageError) {
        guard names > nameLimit else { return }
        throw ImageError.invalidDocument("\(title) has more than \(nameLimit) image names, which is the limit")
    }
}

/// `repositories` of a docker-archive: the names of its images, and the IDs of their topmost layers.
struct DockerRepositoriesFile: ListDocument {
    struct Item: Sendable {
        var repository: String
        var tag: String
        var id: String
    }

    /// By repository and tag.
    private(set) var items: [Item] = []

    init(_ reader: inout DocumentReader) throws {
        try reader.object { reader, repository in
            try reader.object { reader, tag in
                items.append(Item(repository: repository, tag: tag, id: try reader.string()))
                try DockerManifestFile.check(items.count, in: reader.name)
                return true
            }
            return true
        }
        items.sort { ($0.repository, $0.tag) < ($1.repository, $1.tag) }
    }
}

extension DocumentReader {
    /// An array of strings, or nil for null.
    ///
    /// - Parameters:
    ///   - string: reads one of them.
    ///   - check: is told how many there are so far, and the document's name.
    fileprivate mutating func strings(
        _ string: (inout DocumentReader) throws -> String,
        _ check: (_ count: Int, _ name: String) throws -> Void = { _, _ in }
    ) throws -> [String]? {
        if try takesNull() { return nil }
        var strings: [String] = []
        try array { reader in
            strings.append(try string(&reader))
            try check(strings.count, reader.name)
        }
        return strings
    }
}

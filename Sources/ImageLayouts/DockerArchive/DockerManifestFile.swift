import ImageModel

/// `manifest.json` of a docker-archive: what `docker save` says is in it.
struct DockerManifestFile: Codable {
    struct Item: Codable {
        var config: String
        var repoTags: [String]?
        var layers: [String]?

        enum CodingKeys: String, CodingKey {
            case config = "Config"
            case repoTags = "RepoTags"
            case layers = "Layers"
        }

        /// As docker writes it: without names, RepoTags is null.
        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(config, forKey: .config)
            try container.encode(repoTags, forKey: .repoTags)
            try container.encode(layers, forKey: .layers)
        }
    }

    /// Images and names of one archive. Each costs a few kilobytes once it is planned.
    static let nameLimit = 10_000

    /// Jib before 3.0 writes them in lower case.
    private static let members = MemberNames(["Config", "RepoTags", "Layers", "Parent", "LayerSources"])

    var items: [Item]

    /// - Throws: `DocumentError`, saying what it is instead.
    init(_ bytes: [UInt8], name: String) throws {
        guard bytes.first(where: { $0 > 32 }) == UInt8(ascii: "[") else {
            let isNull = bytes.starts(with: Array("null".utf8))
            throw DocumentError(
                "\(name) lists no images"
                    + (isNull ? " (it is null)" : ": it is not an array, so it is no docker-archive's"))
        }
        items = try Document.decode(
            [Item].self, from: bytes, name: name, sizeLimit: Document.indexSizeLimit, members: Self.members,
            acceptsSpellings: true)
        guard !items.isEmpty else { throw DocumentError("\(name) lists no images (it is empty)") }
        let names = items.reduce(0) { $0 + max(1, $1.repoTags?.count ?? 0) }
        guard names <= Self.nameLimit else {
            throw DocumentError("\(name) gives \(names) names, the limit is \(Self.nameLimit)")
        }
    }
}

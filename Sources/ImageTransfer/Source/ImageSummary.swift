public import ImageModel

/// Details of an image in a listing: platforms, size and date.
public struct ImageSummary: Sendable {
    /// Of its images that are there, in the index's order; attestations have none.
    public var platforms: [Platform] = []
    /// Bytes of its manifests, configs and layers, each counted once; nil if a manifest does not tell.
    public var size: Int64?
    /// RFC 3339, from the config of its first image.
    public var created: String?
    /// Why something is unknown, for messages.
    public var problem: String?
}

extension ImageSource {
    /// The summaries of images, by their digests. Each manifest and each config is read at most once.
    ///
    /// - Parameter jobs: number of requests in parallel.
    public func summaries(of images: [SourceImage], jobs: Int = 6) async throws -> [Digest: ImageSummary] {
        var collector = SummaryCollector(source: self, jobs: jobs)
        return try await collector.summaries(of: images)
    }
}

private struct SummaryCollector<Source: ImageSource> {
    let source: Source
    let jobs: Int
    private var nodes: [Digest: Result<Node, any Error>] = [:]
    private var configs: [Digest: Result<Config, any Error>] = [:]

    init(source: Source, jobs: Int) {
        self.source = source
        self.jobs = jobs
    }

    /// The parts of a manifest that a listing needs; whole manifests may be many and large.
    private struct Node: Sendable {
        var size: Int64
        var blobs: [Digest: Int64]
        var children: [Descriptor]
        /// nil of an index.
        var image: ImageManifest?
        var architecture: String?

        init(_ manifest: Manifest) {
            size = manifest.size
            blobs = Dictionary(manifest.blobs.map { ($0.digest, $0.size) }) { first, _ in first }
            for child in manifest.children where child.isAttestation { blobs[child.digest] = child.size }
            children = manifest.children.filter { !$0.isAttestation }
            switch manifest.content {
            case .image(let content): image = ImageManifest(mediaType: .ociManifest, config: content.config, layers: [])
            case .schema1(let old): architecture = old.architecture
            case .index: break
            }
        }
    }

    private struct Config: Sendable {
        var platform: Platform?
        var created: String?
    }

    private struct Wanted: Sendable {
        var descriptor: Descriptor
        var repository: String?
    }

    /// An image without children, and the platform that an index gives.
    private struct Part {
        var node: Node
        var platform: Platform?
        var repository: String?
    }

    mutating func summaries(of images: [SourceImage]) async throws -> [Digest: ImageSummary] {
        var wanted = images.map { Wanted(descriptor: $0.descriptor, repository: $0.repository) }
        // `inspect` looks as deep.
        for _ in 0..<8 where !wanted.isEmpty { wanted = try await read(wanted) }
        var parts: [Digest: [Part]] = [:]
        for image in images where parts[image.descriptor.digest] == nil {
            var seen: Set<Digest> = []
            var found: [Part] = []
            collect(image.descriptor, in: image.repository, &found, &seen)
            parts[image.descriptor.digest] = found
        }
        try await readConfigs(of: Array(parts.values))
        return Dictionary(uniqueKeysWithValues: parts.map { ($0.key, summary(of: $0.key, $0.value)) })
    }

    // MARK: Reading

    /// - Returns: the manifests that the new ones refer to.
    private mutating func read(_ wanted: [Wanted]) async throws -> [Wanted] {
        var seen: Set<Digest> = []
        let new = wanted.filter { nodes[$0.descriptor.digest] == nil && seen.insert($0.descriptor.digest).inserted }
        let found = try await new.mapConcurrently(limit: jobs) { [source] item in
            try await result { Node(try await source.manifest(item.descriptor, in: item.repository)) }
        }
        var next: [Wanted] = []
        for (item, node) in zip(new, found) {
            nodes[item.descriptor.digest] = node
            for child in (try? node.get())?.children ?? [] {
                next.append(Wanted(descriptor: child, repository: item.repository))
            }
        }
        return next
    }

    /// Each manifest counts once, however often it is listed.
    private func collect(
        _ root: Descriptor, in repository: String?, _ parts: inout [Part], _ seen: inout Set<Digest>
    ) {
        guard seen.insert(root.digest).inserted, let node = try? nodes[root.digest]?.get() else { return }
        if node.children.isEmpty {
            parts.append(Part(node: node, platform: root.platform, repository: repository))
        }
        for child in node.children { collect(child, in: repository, &parts, &seen) }
    }

    /// Reads the configs that give a date, or a platform that no index gives.
    private mutating func readConfigs(of parts: [[Part]]) async throws {
        var wanted: [Digest: (ImageManifest, String?)] = [:]
        for parts in parts {
            for (position, part) in parts.enumerated() where position == 0 || part.platform == nil {
                if let image = part.node.image { wanted[image.config.digest] = (image, part.repository) }
            }
        }
        let order = wanted.sorted { $0.key < $1.key }.map(\.value)
        let found = try await order.mapConcurrently(limit: jobs) { [source] item in
            try await result {
                let config = try await source.config(of: item.0, in: item.1)
                return Config(platform: config?.platform, created: config?.created)
            }
        }
        for (item, config) in zip(order, found) { configs[item.0.config.digest] = config }
    }

    // MARK: What was read

    private func summary(of root: Digest, _ parts: [Part]) -> ImageSummary {
        var summary = ImageSummary()
        if case .failure(let error) = nodes[root] {
            summary.problem = "\(error)"
            return summary
        }
        var sizes: [Digest: Int64] = [:]
        add(root, to: &sizes)
        if !sizes.values.contains(where: { $0 < 0 }) {
            summary.size = sizes.values.reduce(0) { $0.addingSaturated($1) }
        }
        for (position, part) in parts.enumerated() {
            var platform = part.platform
            if let image = part.node.image {
                switch configs[image.config.digest] {
                case .success(let config):
                    platform = platform ?? config.platform
                    if position == 0 { summary.created = config.created }
                case .failure(let error): summary.problem = summary.problem ?? "\(error)"
                case nil: break
                }
            } else if let architecture = part.node.architecture {
                platform = platform ?? Platform(os: "linux", architecture: architecture)
            }
            if let platform, !platform.isUnknown, !summary.platforms.contains(platform) {
                summary.platforms.append(platform)
            }
        }
        return summary
    }

    /// Adds the sizes of a manifest, and of what it refers to, as far as that is there.
    private func add(_ root: Digest, to sizes: inout [Digest: Int64]) {
        guard sizes[root] == nil, let node = try? nodes[root]?.get() else { return }
        sizes[root] = node.size
        sizes.merge(node.blobs) { first, _ in first }
        for child in node.children { add(child.digest, to: &sizes) }
    }
}

/// Returns an error instead of throwing it: an image whose manifest or config is damaged is listed without its details.
private func result<T: Sendable>(_ body: () async throws -> T) async throws -> Result<T, any Error> {
    do {
        return .success(try await body())
    } catch {
        guard BrokenImage(name: .none, error: error) != nil else { throw error }
        return .failure(error)
    }
}

import ByteStreams
package import ImageModel

/// Details of an image in a listing: platforms, size and date.
package struct ImageSummary: Sendable {
    /// Of its images that are there, in the index's order; attestations have none.
    package var platforms: [Platform] = []
    /// Bytes of its manifests, configs and layers, each counted once; nil if a manifest does not tell.
    package var size: Int64?
    /// RFC 3339, from the config of its first image.
    package var created: String?
    /// Why something is unknown, for messages.
    package var problem: String?
}

extension ImageSource {
    /// The summaries of images, by their digests. Each manifest and each config is read at most once.
    ///
    /// - Parameter jobs: number of requests in parallel.
    package func summaries(of images: [SourceImage], jobs: Int = 6) async throws -> [Digest: ImageSummary] {
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
    private final class Node: Sendable {
        let size: Int64
        let blobs: [Digest: Int64]
        let children: [Descriptor]
        /// nil of an index.
        let image: ImageManifest?
        let architecture: String?

        init(_ manifest: Manifest) {
            size = manifest.size
            var blobs = Dictionary(manifest.blobs.map { ($0.digest, $0.size) }) { first, _ in first }
            for child in manifest.children where child.isAttestation { blobs[child.digest] = child.size }
            self.blobs = blobs
            var seen: Set<Digest> = []
            children = manifest.children.filter { !$0.isAttestation && seen.insert($0.digest).inserted }
            switch manifest.content {
            case .image(let content):
                image = ImageManifest(mediaType: .ociManifest, config: content.config, layers: [])
                architecture = nil
            case .schema1(let old): (image, architecture) = (nil, old.architecture)
            case .index: (image, architecture) = (nil, nil)
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

    /// What is known of an image before configs are read.
    private struct Outline {
        enum PlatformSource: Hashable {
            case platform(Platform)
            /// The platform that a config gives.
            case config(Digest)
        }

        /// Each once, in the order of the index.
        var platforms: [PlatformSource] = []
        /// The config of its first image.
        var first: Digest?
        var size: Int64?
        var problem: String?
    }

    /// Configs that have to be read, and the images that have them.
    private var wanted: [Digest: (ImageManifest, String?)] = [:]
    private var counted: Set<Digest> = []
    /// Manifests and blobs that were counted for more than one image.
    private var repetitions = 0
    private let repetitionLimit = 500_000

    mutating func summaries(of images: [SourceImage]) async throws -> [Digest: ImageSummary] {
        var wanted = images.map { Wanted(descriptor: $0.descriptor, repository: $0.repository) }
        // `inspect` looks as deep.
        for _ in 0..<8 where !wanted.isEmpty { wanted = try await read(wanted) }
        // The parts of one image at a time: many images may have the same ones.
        var outlines: [Digest: Outline] = [:]
        for image in images where outlines[image.descriptor.digest] == nil {
            outlines[image.descriptor.digest] = outline(of: image)
        }
        try await readConfigs()
        return outlines.mapValues { summary(of: $0) }
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

    /// The parts and the size of an image. Each manifest counts once, however often it is listed.
    private mutating func outline(of image: SourceImage) -> Outline {
        var outline = Outline()
        if case .failure(let error) = nodes[image.descriptor.digest] {
            outline.problem = "\(error)"
            return outline
        }
        var sizes: [Digest: Int64] = [:]
        var seen: Set<Digest> = []
        var platforms: Set<Outline.PlatformSource> = []
        var rest = [image.descriptor]
        var isFirst = true
        while let next = rest.popLast() {
            guard seen.insert(next.digest).inserted, let node = try? nodes[next.digest]?.get() else { continue }
            if !counted.insert(next.digest).inserted {
                repetitions += 1 + node.blobs.count + node.children.count
                guard repetitions <= repetitionLimit else {
                    outline.problem = "it shares its parts with too many other images to be summed up"
                    return outline
                }
            }
            sizes[next.digest] = node.size
            sizes.merge(node.blobs) { first, _ in first }
            rest += node.children.reversed()
            guard node.children.isEmpty else { continue }
            if isFirst { outline.first = node.image?.config.digest }
            if let found = Self.platformSource(of: node, listedFor: next.platform), platforms.insert(found).inserted {
                outline.platforms.append(found)
            }
            if isFirst || next.platform == nil, let content = node.image {
                wanted[content.config.digest] = (content, image.repository)
            }
            isFirst = false
        }
        if !sizes.values.contains(where: { $0 < 0 }) {
            outline.size = sizes.values.reduce(0) { $0.addingSaturated($1) }
        }
        return outline
    }

    private static func platformSource(of node: Node, listedFor platform: Platform?) -> Outline.PlatformSource? {
        if let platform { return .platform(platform) }
        if let image = node.image { return .config(image.config.digest) }
        return node.architecture.map { .platform(Platform(os: "linux", architecture: $0)) }
    }

    /// Reads the configs that give a date, or a platform that no index gives.
    private mutating func readConfigs() async throws {
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

    private func summary(of outline: Outline) -> ImageSummary {
        var summary = ImageSummary(size: outline.size, problem: outline.problem)
        if let first = outline.first, case .success(let config) = configs[first] { summary.created = config.created }
        var seen: Set<Platform> = []
        for source in outline.platforms {
            var found: Platform?
            switch source {
            case .platform(let platform): found = platform
            case .config(let digest):
                switch configs[digest] {
                case .success(let config): found = config.platform
                case .failure(let error): summary.problem = summary.problem ?? "\(error)"
                case nil: break
                }
            }
            if let found, !found.isUnknown, seen.insert(found).inserted { summary.platforms.append(found) }
        }
        if let first = outline.first, case .failure(let error) = configs[first] {
            summary.problem = summary.problem ?? "\(error)"
        }
        return summary
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

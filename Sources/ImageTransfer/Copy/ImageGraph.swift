import ImageModel

/// Everything that belongs to one image: manifests child-first, and the blobs of each.
struct ImageGraph {
    struct Node {
        var manifest: Manifest
        /// What remains of an index that `--platform` cuts down; nil if nothing is cut.
        var keptChildren: [Descriptor]?
        /// The diffIDs of the layers, where the config gives one for each.
        var diffIDs: [Digest: Digest] = [:]
        /// A referrer of something in the graph, and not a child of it.
        var isReferrer = false

        var children: [Descriptor] { keptChildren ?? manifest.children }
        var blobs: [Descriptor] { manifest.blobs }
    }

    /// Children before what refers to them; the root's own before referrers.
    private(set) var nodes: [Node] = []
    let root: Descriptor

    private var seen: Set<Digest> = []
    private static let depthLimit = 16

    /// - Parameter platforms: what to keep of indexes; empty for all.
    /// - Throws: `TransferError.notFound` if nothing is of the platforms, or content is missing.
    init(of image: SourceImage, in source: any ImageSource, platforms: [Platform]) async throws {
        let manifest = try await source.manifest(image.descriptor, in: image.repository)
        root = manifest.descriptor
        try await walk(manifest, image, source, platforms, depth: 0)
    }

    var rootNode: Node? { nodes.first { $0.manifest.digest == root.digest } }

    /// Digests of all manifests in the graph.
    var digests: Set<Digest> { seen }

    private mutating func walk(
        _ manifest: Manifest, _ image: SourceImage, _ source: any ImageSource, _ platforms: [Platform], depth: Int
    ) async throws {
        guard depth <= Self.depthLimit else {
            throw TransferError.damaged(
                "\(source.title): \(image.title) nests indexes more than \(Self.depthLimit) deep")
        }
        guard seen.insert(manifest.digest).inserted else { return }
        var node = Node(manifest: manifest)
        switch manifest.content {
        case .index(let index):
            if !platforms.isEmpty {
                node.keptChildren = try await Self.choose(index.manifests, platforms, image, source)
            }
            for child in node.children {
                let next: Manifest
                do {
                    next = try await source.manifest(child, in: image.repository)
                } catch TransferError.notFound(let text) {
                    throw TransferError.notFound(
                        "\(text); the index \(manifest.digest) of \(image.title) lists it"
                            + (child.platform.map { " for \($0)" } ?? ""))
                }
                try await walk(
                    next, image, source, platforms.isEmpty || node.keptChildren != nil ? [] : platforms,
                    depth: depth + 1)
            }
        case .image(let content):
            if !platforms.isEmpty, content.config.mediaType.isImageConfig {
                let platform = try await source.config(of: content, in: image.repository)?.platform
                guard let platform, platforms.contains(where: { $0.accepts(platform) }) else {
                    throw TransferError.notFound(
                        "\(image.title) in \(source.title) is for \(platform?.description ?? "no platform"), not "
                            + platforms.map(\.description).joined(separator: " or "))
                }
            }
        case .schema1: break
        }
        nodes.append(node)
    }

    /// The entries of an index for the platforms, with their attestations.
    private static func choose(
        _ entries: [Descriptor], _ platforms: [Platform], _ image: SourceImage, _ source: any ImageSource
    ) async throws -> [Descriptor] {
        var kept: Set<Digest> = []
        var seen: [String] = []
        for entry in entries where entry.mediaType.isManifest && !entry.isAttestation {
            var platform = entry.platform
            if platform == nil, !entry.mediaType.isIndex {
                let manifest = try await source.manifest(entry, in: image.repository)
                if case .image(let content) = manifest.content {
                    platform = try? await source.config(of: content, in: image.repository)?.platform
                }
            }
            guard let platform else { continue }
            seen.append(platform.description)
            if platforms.contains(where: { $0.accepts(platform) }) { kept.insert(entry.digest) }
        }
        guard !kept.isEmpty else {
            throw TransferError.notFound(
                "\(image.title) in \(source.title) has nothing for "
                    + platforms.map(\.description).joined(separator: " or ")
                    + "; it has \(seen.joined(separator: ", "))")
        }
        return entries.filter { entry in
            kept.contains(entry.digest)
                || entry.annotations?["vnd.docker.reference.digest"].flatMap { Digest($0) }.map(kept.contains) == true
        }
    }

    /// Adds what refers to anything in the graph, and what refers to that.
    mutating func addReferrers(of image: SourceImage, in source: any ImageSource) async throws {
        var next = 0
        while next < nodes.count {
            let subject = nodes[next].manifest.digest
            next += 1
            for referrer in try await source.referrers(of: subject, in: image.repository)
            where !seen.contains(referrer.digest) {
                let manifest = try await source.manifest(referrer, in: image.repository)
                let before = nodes.count
                try await walk(manifest, image, source, [], depth: 0)
                for added in before..<nodes.count { nodes[added].isReferrer = true }
            }
        }
    }

    /// Learns the diffIDs of all layers.
    ///
    /// - Parameter strictly: whether an image without one diffID for each layer is refused; it is where
    ///   layers change their form.
    mutating func learnDiffIDs(of image: SourceImage, in source: any ImageSource, strictly: Bool) async throws {
        for position in nodes.indices {
            guard case .image(let content) = nodes[position].manifest.content, content.config.mediaType.isImageConfig,
                content.layers.contains(where: { $0.mediaType.layerCompression != nil })
            else { continue }
            guard let config = try await source.config(of: content, in: image.repository) else { continue }
            guard config.diffIDs.count == content.layers.count else {
                if strictly {
                    throw TransferError.damaged(
                        "\(image.title) in \(source.title) has \(content.layers.count) layers, "
                            + "but its config gives \(config.diffIDs.count) diffIDs")
                }
                continue
            }
            for (layer, diffID) in zip(content.layers, config.diffIDs) {
                nodes[position].diffIDs[layer.digest] = diffID
            }
        }
    }
}

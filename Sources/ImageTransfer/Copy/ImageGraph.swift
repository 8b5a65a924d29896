import ImageModel

/// Everything that belongs to one image: manifests child-first, and the blobs of each.
struct ImageGraph {
    struct Node {
        var manifest: Manifest
        /// What remains of an index that `--platform` cuts down; nil if nothing is cut.
        var keptChildren: [Descriptor]?
        /// Entries of an index without a media type that turned out to be manifests.
        var untypedChildren: [Descriptor] = []
        /// The diffIDs of the layers, where the config gives one for each.
        var diffIDs: [Digest: Digest] = [:]
        /// How many refer to one another from here to the image: 0 for what is part of it.
        var referral = 0
        /// A referrer of something in the graph, and not a child of it.
        var isReferrer: Bool { referral > 0 }

        /// Manifests below an index, as far as they are kept.
        var children: [Descriptor] {
            (keptChildren?.filter(\.mediaType.isManifest) ?? manifest.children) + untypedChildren
        }
        var blobs: [Descriptor] {
            guard case .index = manifest.content else { return manifest.blobs }
            let manifests = Set(untypedChildren.map(\.digest))
            let kept = keptChildren.map { Set($0.map(\.digest)) }
            return manifest.blobs.filter { !manifests.contains($0.digest) && kept?.contains($0.digest) != false }
        }
    }

    /// Children before what refers to them; the root's own before referrers.
    private(set) var nodes: [Node] = []
    let root: Descriptor

    private var seen: Set<Digest> = []
    static let depthLimit = 16

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
                node.keptChildren = try await Self.choose(index, platforms, image, source)
            }
            for entry in node.keptChildren ?? index.manifests where entry.mediaType.rawValue.isEmpty {
                if (try? await source.manifest(entry, in: image.repository)) != nil {
                    node.untypedChildren.append(entry)
                }
            }
            for child in node.children {
                let next: Manifest
                do {
                    next = try await source.manifest(child, in: image.repository)
                } catch TransferError.notFound(let text) {
                    throw TransferError.notFound(
                        "\(text); the index \(manifest.digest) of \(image.title) lists it"
                            + (child.platform.map { " for \($0)" } ?? "")
                            + ": --platform copies what there is of it")
                }
                // An index within the index is cut down as well; single images are chosen by now.
                try await walk(next, image, source, next.mediaType.isIndex ? platforms : [], depth: depth + 1)
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
    ///
    /// - Throws: `TransferError.notFound` if there are none.
    private static func choose(
        _ index: ImageIndex, _ platforms: [Platform], _ image: SourceImage, _ source: any ImageSource
    ) async throws -> [Descriptor] {
        var kept: Set<Digest> = []
        var seen: [String] = []
        try await choose(index.manifests, platforms, image, source, depth: 0, &kept, &seen)
        guard !kept.isEmpty else {
            throw TransferError.notFound(
                "\(image.title) in \(source.title) has nothing for "
                    + platforms.map(\.description).joined(separator: " or ")
                    + "; it has \(seen.joined(separator: ", "))")
        }
        return index.manifests.filter { entry in
            kept.contains(entry.digest)
                || entry.annotations?["vnd.docker.reference.digest"].flatMap { Digest($0) }.map(kept.contains) == true
        }
    }

    private static func choose(
        _ entries: [Descriptor], _ platforms: [Platform], _ image: SourceImage, _ source: any ImageSource, depth: Int,
        _ kept: inout Set<Digest>, _ seen: inout [String]
    ) async throws {
        guard depth <= depthLimit else { return }
        for entry in entries where !entry.isAttestation {
            guard entry.mediaType.isManifest || entry.mediaType.rawValue.isEmpty else { continue }
            var platform = entry.platform
            if platform == nil || entry.mediaType.isIndex {
                let manifest: Manifest
                do {
                    manifest = try await source.manifest(entry, in: image.repository)
                } catch TransferError.notFound {
                    continue
                } catch is DocumentError where entry.mediaType.rawValue.isEmpty {
                    continue
                }
                switch manifest.content {
                case .index(let inner):
                    var below: Set<Digest> = []
                    try await choose(inner.manifests, platforms, image, source, depth: depth + 1, &below, &seen)
                    if !below.isEmpty { kept.insert(entry.digest) }
                    continue
                case .image(let content):
                    platform = try? await source.config(of: content, in: image.repository)?.platform
                case .schema1: break
                }
            }
            guard let platform else { continue }
            seen.append(platform.description)
            if platforms.contains(where: { $0.accepts(platform) }) { kept.insert(entry.digest) }
        }
    }

    /// Adds what refers to anything in the graph, and what refers to that.
    mutating func addReferrers(of image: SourceImage, in source: any ImageSource) async throws {
        var next = 0
        while next < nodes.count {
            let subject = nodes[next].manifest.digest
            let referral = nodes[next].referral + 1
            next += 1
            for referrer in try await source.referrers(of: subject, in: image.repository)
            where !seen.contains(referrer.digest) {
                // A chain of them would be walked from each of its members.
                guard referral <= Self.depthLimit else {
                    throw TransferError.damaged(
                        "\(source.title): referrers of \(image.title) refer to each other more than "
                            + "\(Self.depthLimit) deep")
                }
                let manifest = try await source.manifest(referrer, in: image.repository)
                let before = nodes.count
                try await walk(manifest, image, source, [], depth: 0)
                for added in before..<nodes.count { nodes[added].referral = referral }
            }
        }
    }

    /// Learns the diffIDs of all layers.
    mutating func learnDiffIDs(of image: SourceImage, in source: any ImageSource) async throws {
        for position in nodes.indices {
            guard case .image(let content) = nodes[position].manifest.content else { continue }
            let changes = content.layers.contains { $0.mediaType.layerCompression != nil }
            nodes[position].diffIDs = try await Self.diffIDs(
                of: content, in: source, repository: image.repository, title: image.title, areNeeded: changes)
        }
    }

    /// The diffIDs of an image's layers, by the layers' digests; empty for what is no image of layers.
    ///
    /// - Parameter areNeeded: whether the config has to give them.
    /// - Throws: `TransferError.damaged` if the config does not fit the layers.
    static func diffIDs(
        of content: ImageManifest, in source: any ImageSource, repository: String?, title: String,
        areNeeded: Bool = false
    ) async throws -> [Digest: Digest] {
        let isOfLayers = content.layers.allSatisfy {
            $0.mediaType.layerCompression != nil || $0.mediaType.isForeignLayer
        }
        guard content.config.mediaType.isImageConfig, isOfLayers || areNeeded,
            let config = try await source.config(of: content, in: repository)
        else { return [:] }
        // A config without any serves artifacts.
        guard areNeeded || config.rootfs?.diffIDs != nil else { return [:] }
        guard config.diffIDs.count == content.layers.count else {
            throw TransferError.damaged(
                "\(title) in \(source.title) has \(content.layers.count) layers, "
                    + "but its config gives \(config.diffIDs.count) diffIDs")
        }
        var diffIDs: [Digest: Digest] = [:]
        for (layer, diffID) in zip(content.layers, config.diffIDs) {
            let isRaw = layer.mediaType.layerCompression == LayerCompression.none
            let known =
                diffIDs.updateValue(diffID, forKey: layer.digest)
                ?? (isRaw && layer.digest.algorithm == diffID.algorithm ? layer.digest : diffID)
            guard known == diffID else {
                throw TransferError.damaged(
                    "\(title) in \(source.title): the config gives the layer \(layer.digest) the diffID \(diffID), "
                        + "but it is \(known)" + (isRaw ? "" : " elsewhere in the same config"))
            }
        }
        return diffIDs
    }
}

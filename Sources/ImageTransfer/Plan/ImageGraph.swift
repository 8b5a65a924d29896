package import ImageModel

/// Everything that belongs to one image: manifests child-first, and the blobs of each.
package struct ImageGraph {
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
    /// Parts of indexes that are not in the source, and that the choice of platforms leaves out.
    var leftOut: [LeftOut] = []

    /// An entry of an index that is left out because the source lacks it.
    struct LeftOut {
        var entry: Descriptor
        var reason: String
    }

    /// Manifests in the graph, as plain descriptors.
    private var seen: [Digest: Descriptor] = [:]
    /// Entries of indexes without a manifest's type that turned out to be blobs.
    private var others: Set<Digest> = []
    /// Manifests in indexes that were looked into: whether they have something for the platforms.
    var matched: [Digest: Bool] = [:]
    /// Why entries of indexes are not there as a whole; nil of those that are.
    var lacks: [Digest: String?] = [:]
    let image: SourceImage
    let source: any ImageSource
    let manifests: SharedManifests
    private let names: OptionNames
    package static let depthLimit = 16

    /// - Parameters:
    ///   - platforms: what to keep of indexes.
    ///   - manifests: those that other graphs of the same source have; nil to share none.
    ///   - names: options that messages may advise.
    /// - Throws: `ImageError.damaged` if content is missing, `.otherPlatform` if there is nothing for the platforms.
    init(
        of image: SourceImage, in source: any ImageSource, platforms: PlatformChoice = .all,
        sharing manifests: SharedManifests? = nil, names: OptionNames = OptionNames()
    ) async throws {
        self.image = image
        self.source = source
        let manifests = manifests ?? SharedManifests(source)
        self.manifests = manifests
        self.names = names
        let manifest = try await manifests.rootManifest(of: image)
        root = manifest.descriptor
        try await walk(manifest, platforms, depth: 0)
    }

    var rootNode: Node? { nodes.first { $0.manifest.digest == root.digest } }

    /// Digests of all manifests in the graph.
    var digests: Set<Digest> { Set(seen.keys) }

    /// Whether a layer is, or becomes, zstd.
    func hasZstd(changing compressions: [Digest: LayerCompression]) -> Bool {
        nodes.contains { node in
            guard case .image(let image) = node.manifest.content else { return false }
            return image.layers.contains { (compressions[$0.digest] ?? $0.mediaType.layerCompression) == .zstd }
        }
    }

    private mutating func walk(_ manifest: Manifest, _ platforms: PlatformChoice, depth: Int) async throws {
        try checkDepth(depth)
        guard seen.updateValue(manifest.descriptor, forKey: manifest.digest) == nil else { return }
        var node = Node(manifest: manifest)
        switch manifest.content {
        case .index(let index):
            if platforms != .all { node.keptChildren = try await chosen(of: index, platforms, depth: depth) }
            for entry in node.keptChildren ?? index.manifests {
                if let isManifest = try isKnownManifest(entry) {
                    if isManifest, !entry.mediaType.isManifest { node.untypedChildren.append(entry) }
                    continue
                }
                guard let child = try await child(entry, of: manifest, index, depth: depth) else {
                    if entry.mayBeManifest { others.insert(entry.digest) }
                    continue
                }
                if !entry.mediaType.isManifest { node.untypedChildren.append(entry) }
                // An index within the index is cut down as well; single images are chosen by now.
                try await walk(child, child.kind == .index ? platforms : .all, depth: depth + 1)
            }
        case .image(let content):
            if case .only(let wanted) = platforms, content.config.mediaType.isImageConfig {
                let platform = try await manifests.platform(of: content, in: image.repository)
                guard let platform, wanted.contains(where: { $0.accepts(platform) }) else {
                    throw ImageError.otherPlatform(
                        "\(image.title) in \(source.title) is for \(platform?.description ?? "no platform"), not "
                            + platforms.title)
                }
            }
        case .schema1: break
        }
        nodes.append(node)
    }

    func checkDepth(_ depth: Int) throws {
        guard depth <= Self.depthLimit else {
            throw ImageError.damaged(
                "\(source.title): \(image.title) nests indexes more than \(Self.depthLimit) deep")
        }
    }

    /// Whether an entry of an index that was looked at before is a manifest; nil for one that was not.
    private func isKnownManifest(_ entry: Descriptor) throws -> Bool? {
        guard let known = seen[entry.digest] else {
            return others.contains(entry.digest) && !entry.mediaType.isManifest ? false : nil
        }
        guard entry.mayBeManifest else { return false }
        do {
            try known.check(claim: entry, name: "\(source.title): the manifest \(entry.digest)")
            return true
        } catch {
            guard !entry.mediaType.isManifest else { throw error }
            return false
        }
    }

    /// The manifest that an entry of an index is.
    ///
    /// - Returns: nil for an entry that is a blob.
    private mutating func child(
        _ entry: Descriptor, of manifest: Manifest, _ index: ImageIndex, depth: Int
    ) async throws -> Manifest? {
        guard entry.mayBeManifest else { return nil }
        do {
            return try await manifests.manifest(entry, in: image.repository)
        } catch let error as ImageError where error.code == .notFound {
            // A blob lies elsewhere.
            guard entry.mediaType.isManifest else { return nil }
            var advice = ""
            for other in index.manifests where names.platform != nil && !other.isAttestation && advice.isEmpty {
                guard try await lack(of: other, depth: depth) == nil else { continue }
                advice = names.advice(\.platform) { "\($0) present copies the platforms that are there" }
            }
            throw ImageError.damaged(
                "\(error); the index \(manifest.digest) of \(image.title) lists it" + Self.purpose(of: entry) + advice)
        } catch let error as ImageError where error.code == .invalidDocument && !entry.mediaType.isManifest {
            return nil
        }
    }

    /// Adds what refers to anything in the graph, and what refers to that.
    mutating func addReferrers() async throws {
        var next = 0
        while next < nodes.count {
            let subject = nodes[next].manifest.digest
            let referral = nodes[next].referral + 1
            next += 1
            for referrer in try await source.referrers(of: subject, in: image.repository)
            where seen[referrer.digest] == nil {
                // A chain of them would be walked from each of its members.
                guard referral <= Self.depthLimit else {
                    throw ImageError.damaged(
                        "\(source.title): referrers of \(image.title) refer to each other more than "
                            + "\(Self.depthLimit) deep")
                }
                let manifest = try await manifests.manifest(referrer, in: image.repository)
                let before = nodes.count
                try await walk(manifest, .all, depth: 0)
                for added in before..<nodes.count { nodes[added].referral = referral }
            }
        }
    }

    /// Learns the diffIDs of all layers.
    ///
    /// - Throws: `ConfigMisfit` if a config does not fit its layers.
    mutating func learnDiffIDs() async throws {
        for position in nodes.indices {
            guard case .image(let content) = nodes[position].manifest.content else { continue }
            let digest = nodes[position].manifest.digest
            nodes[position].diffIDs = try await manifests.diffIDs(of: digest, in: image.repository) { [source, image] in
                try await Self.diffIDs(of: content, in: source, repository: image.repository, title: image.title)
            }
        }
    }

    /// The diffIDs of an image's layers, by the layers' digests; empty for what is not an image of layers.
    ///
    /// - Throws: `ConfigMisfit` if the config does not fit the layers.
    package static func diffIDs(
        of content: ImageManifest, in source: any ImageSource, repository: String?, title: String
    ) async throws -> [Digest: Digest] {
        let isOfLayers = content.layers.allSatisfy {
            $0.mediaType.layerCompression != nil || $0.mediaType.isForeignLayer
        }
        guard content.config.mediaType.isImageConfig, isOfLayers,
            let config = try await source.config(of: content, in: repository)
        else { return [:] }
        guard config.diffIDs.count == content.layers.count else {
            throw ConfigMisfit(
                description: "\(title) in \(source.title) has \(content.layers.count) layers, "
                    + "but its config gives \(config.diffIDs.count) diffIDs")
        }
        var diffIDs: [Digest: Digest] = [:]
        for (layer, diffID) in zip(content.layers, config.diffIDs) {
            let isRaw = layer.mediaType.layerCompression == LayerCompression.none
            let known =
                diffIDs.updateValue(diffID, forKey: layer.digest)
                ?? (isRaw && layer.digest.algorithm == diffID.algorithm ? layer.digest : diffID)
            guard known == diffID else {
                throw ConfigMisfit(
                    description: "\(title) in \(source.title): the config gives the layer \(layer.digest) the diffID "
                        + "\(diffID), but it is \(known)" + (isRaw ? "" : " elsewhere in the same config"))
            }
        }
        return diffIDs
    }
}

/// A config whose diffIDs are not those of its image's layers. Such an image cannot be run, but its bytes can be copied.
package struct ConfigMisfit: Error, CustomStringConvertible {
    package let description: String
}

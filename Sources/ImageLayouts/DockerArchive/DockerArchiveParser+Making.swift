import ByteStreams
import FileTrees
import ImageModel
import ImageTransfer
import TarArchive

/// Makes manifests for images that have none in the archive.
extension DockerArchiveParser {
    /// A schema2 manifest over the layers as they lie; OCI where a layer is zstd, which schema2 has no name for.
    mutating func make(_ item: DockerManifestFile.Item, _ config: Config) throws -> Manifest {
        let diffIDs = try self.diffIDs[config.imageID] ?? readDiffIDs(of: item)
        self.diffIDs[config.imageID] = diffIDs
        contents.members[config.imageID] = try safe(item.config)
        return try make(
            layers: item.layers ?? [], diffIDs: try diffIDs.get(), config: config.imageID, configSize: config.size,
            title: Self.title(item))
    }

    private func readDiffIDs(of item: DockerManifestFile.Item) throws -> Result<[Digest], any Error> {
        let bytes = try configBytes(of: item)
        return Result { try ImageConfig(bytes, name: "\(tree.title): the config of \(Self.title(item))").diffIDs }
    }

    mutating func make(
        layers: [String], diffIDs: [Digest], config: Digest, configSize: Int, title: String
    ) throws -> Manifest {
        guard layers.count == diffIDs.count else {
            throw ImageError.damaged(
                "\(tree.title): \(title) has \(layers.count) layers, but its config gives \(diffIDs.count) diffIDs")
        }
        let described = try zip(layers, diffIDs).map { try layer($0, diffID: $1, title: title) }
        let format: ManifestFormat = described.contains { $0.mediaType == .ociLayerZstd } ? .oci : .docker
        let image = ImageManifest(
            mediaType: MediaType.dockerManifest.renamed(for: format),
            config: Descriptor(
                mediaType: MediaType.dockerConfig.renamed(for: format), digest: config, size: Int64(configSize)),
            layers: described.map { layer in
                var layer = layer
                layer.mediaType = layer.mediaType.renamed(for: format)
                return layer
            })
        let manifest = try Manifest(making: image)
        contents.manifests[manifest.digest] = manifest
        return manifest
    }

    private mutating func layer(_ member: String, diffID: Digest, title: String) throws -> Descriptor {
        let path = try safe(member)
        guard let size = try tree.size(of: path) else {
            throw ImageError.damaged("\(tree.title): the layer \(member) of \(title) is named, but missing")
        }
        let compression = try packing(of: path)
        switch compression {
        case .none:
            // Whoever reads it verifies it against the diffID; a stream that went by was hashed already.
            if tree is StreamedTree, let facts = try tree.facts(of: path), facts.digest != diffID {
                throw ImageError.damaged(
                    "\(tree.title): the layer \(member) of \(title) is not what its config says: "
                        + "its digest is \(facts.digest), the diffID is \(diffID)")
            }
            contents.members[diffID] = path
            return Descriptor(mediaType: .dockerLayer, digest: diffID, size: size)
        case .gzip, .zstd:
            guard let facts = try tree.facts(of: path) else {
                throw ImageError.damaged("\(tree.title): \(path) is missing")
            }
            contents.members[facts.digest] = path
            if let other = contents.diffIDs.updateValue(diffID, forKey: facts.digest), other != diffID {
                contents.diffIDs[facts.digest] = other
                throw ImageError.damaged(
                    "\(tree.title): the layer \(member) of \(title) has the diffID \(diffID) there, and \(other) elsewhere"
                )
            }
            let type = compression == .gzip ? MediaType.dockerLayerGzip : .ociLayerZstd
            return Descriptor(mediaType: type, digest: facts.digest, size: size)
        case .xz, .bzip2:
            throw ImageError.refused(
                "\(tree.title): the layer \(member) of \(title) is packed with \(compression.rawValue), which no registry "
                    + "takes: load it with docker and save it again")
        }
    }

    private func packing(of path: String) throws -> CompressionFormat {
        if tree is StreamedTree { return try tree.facts(of: path)?.compression ?? .none }
        guard let source = try tree.open(path) else { return .none }
        return CompressionFormat.sniff(try PeekingSource(source).peek(6))
    }

    /// A member's path as manifest.json gives it.
    func safe(_ path: String) throws -> String {
        guard !path.isEmpty else {
            throw ImageError.damaged(
                "\(tree.title): a layer is missing (its path in manifest.json is empty), as buildpacks leave out the layers "
                    + "of the base image; load it into Docker where the base is, and save it whole with docker save")
        }
        guard let safe = TarPath.normalised(path), !safe.isEmpty else {
            throw ImageError.damaged("\(tree.title): manifest.json names '\(path)', which leaves the archive")
        }
        return safe
    }

    // MARK: Before 1.10

    mutating func addLegacy(_ file: DockerRepositoriesFile) throws {
        guard !file.items.isEmpty else { throw ImageError.damaged("\(tree.title): repositories lists no images") }
        var made: [String: Result<(Manifest, Digest), any Error>] = [:]
        for item in file.items {
            let text = "\(item.repository):\(item.tag)"
            let name = Self.name(text)
            if name == nil { noteInvalid(text) }
            do {
                let result = made[item.id] ?? Result { try makeLegacy(item.id) }
                made[item.id] = result
                let (manifest, imageID) = try result.get()
                var image = SourceImage(
                    name: name.map { .full($0) } ?? .none, descriptor: manifest.descriptor, imageID: imageID)
                image.isMade = true
                contents.listing.images.append(image)
            } catch {
                guard let broken = BrokenImage(name: name.map { .full($0) } ?? .none, error: error) else { throw error }
                contents.listing.broken.append(broken)
            }
            guard madeBytes <= Self.madeLimit else {
                throw ImageError.invalidDocument(
                    "\(tree.title): the configs made for its images, up to \(text.prefix(300)), have more than "
                        + "\(ByteCount(Int64(Self.madeLimit))) in all, which is the limit; save fewer images into one archive"
                )
            }
        }
    }

    /// Bytes of all configs that are made of one archive, which stay in memory.
    private static let madeLimit = 32 << 20

    private mutating func makeLegacy(_ id: String) throws -> (Manifest, Digest) {
        let image = try LegacyImage(id: id, of: &legacyLayers)
        madeBytes += image.config.count
        let imageID = Digest(of: image.config)
        contents.documents[imageID] = image.config
        let config = try ImageConfig(image.config, name: "\(tree.title): \(id)")
        let manifest = try make(
            layers: image.layerPaths, diffIDs: config.diffIDs, config: imageID, configSize: image.config.count,
            title: id)
        return (manifest, imageID)
    }
}

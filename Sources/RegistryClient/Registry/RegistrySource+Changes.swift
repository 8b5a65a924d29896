import ByteStreams
import ImageModel
package import ImageTransfer

/// Gives names, and takes names and images away.
extension RegistrySource {
    package func tag(_ image: SourceImage, as tag: String) async throws {
        let manifest = try await manifest(image.descriptor, in: image.repository)
        try await Workers.blobs.run { [self] in
            _ = try registry.put(manifest, as: tag, in: own(image.repository))
        }
    }

    package func untag(_ image: SourceImage) async throws {
        guard let tag = image.tag, let repository = image.repository else {
            throw ImageError.notFound("\(title) has no tag for \(image.title)")
        }
        try await Workers.blobs.run { [self] in
            let repository = own(repository)
            let digest = image.descriptor.digest
            switch try registry.delete(tag, in: repository) {
            case .done: return
            case .unknown:
                // It may have gone with another tag of the same manifest, in this run.
                guard !run.hasDeleted(digest, in: repository) else { return }
                throw ImageError.notFound("\(host)/\(repository) has no \(tag)")
            case .unsupported: break
            }
            guard registry.options.deletesManifests else {
                throw ImageError.refused(
                    "\(registry.host) deletes by digest only, and with the tag \(repository):\(tag) would go its "
                        + "manifest \(digest)")
            }
            let (others, indexes) = try users(of: digest, in: repository, besides: tag)
            guard indexes.isEmpty else {
                throw ImageError.refused(
                    "\(registry.host) deletes by digest only, and \(repository):\(tag) is a part of "
                        + "\(indexes.joined(separator: ", ")), which would be damaged; delete those first")
            }
            guard others.isEmpty || registry.options.deletesAllTags else {
                // Where nothing can be deleted, the registry says so of a digest that nothing has.
                _ = try registry.delete(
                    Digest(of: Array("\(UInt64.random(in: 0 ... .max))".utf8)).description, in: repository)
                throw ImageError.refused(
                    "\(registry.host) deletes by digest only, and with \(repository):\(tag) would go "
                        + "\(others.joined(separator: ", ")), which is the same manifest: --all-tags deletes them all")
            }
            try remove(digest, repository)
        }
    }

    /// The other tags of a manifest, and the tags of indexes that list it.
    private func users(
        of digest: Digest, in repository: String, besides tag: String
    ) throws -> (tags: [String], indexes: [String]) {
        var (tags, indexes): ([String], [String]) = ([], [])
        var lists: [Digest: Bool] = [:]
        for other in try registry.tags(in: repository) where other != tag {
            guard let found = try registry.resolve(other, in: repository) else { continue }
            if found.digest == digest { tags.append(other) }
            guard found.mediaType.manifestKind == .index else { continue }
            let isListed =
                try lists[found.digest]
                ?? registry.manifest(found.digest.description, in: repository)?.children.contains {
                    $0.digest == digest
                }
                ?? false
            lists[found.digest] = isListed
            if isListed { indexes.append(other) }
        }
        return (tags, indexes)
    }

    package func delete(_ image: SourceImage) async throws {
        try await Workers.blobs.run { [self] in
            try remove(image.descriptor.digest, own(image.repository))
        }
    }

    /// What is gone already because of this run is no error.
    private func remove(_ digest: Digest, _ repository: String) throws {
        switch try registry.delete(digest.description, in: repository) {
        case .unknown where !run.hasDeleted(digest, in: repository):
            throw ImageError.notFound("\(host)/\(repository) has no \(digest)")
        case .unsupported, .unknown, .done: run.noteDeletion(of: digest, in: repository)
        }
    }
}

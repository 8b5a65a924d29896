package import ImageModel

extension ImageSource {
    /// By diffID, what the layers of these images are.
    package func layersByDiffID(of images: [SourceImage]) async throws -> [Digest: [Descriptor]] {
        var layers: [Digest: [Descriptor]] = [:]
        var seen: Set<Digest> = []
        var queue = images.map { ($0.descriptor, $0.repository) }
        while let (descriptor, repository) = queue.popLast() {
            guard seen.insert(descriptor.digest).inserted else { continue }
            // What is damaged or missing at the destination is nothing to build upon.
            guard let manifest = try? await manifest(descriptor, in: repository) else { continue }
            queue += manifest.children.map { ($0, repository) }
            guard case .image(let image) = manifest.content,
                let config = try? await config(of: image, in: repository), config.diffIDs.count == image.layers.count
            else { continue }
            for (diffID, layer) in zip(config.diffIDs, image.layers) { layers[diffID, default: []].append(layer) }
        }
        return layers
    }

    /// Likewise, of all images of a repository; nil means all there are.
    package func layersByDiffID(in repository: String?) async throws -> [Digest: [Descriptor]] {
        try await layersByDiffID(of: images().filter { repository == nil || $0.repository == repository })
    }
}

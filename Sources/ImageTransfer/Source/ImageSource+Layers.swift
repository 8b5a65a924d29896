import ImageModel

extension ImageSource {
    /// Calls `body` with each layer below an image, and the diffID that its config claims for it.
    ///
    /// - Parameter seen: manifests that were looked at before.
    func forEachLayer(
        below image: SourceImage, unless seen: inout Set<Digest>,
        _ body: (_ diffID: Digest, _ layer: Descriptor) -> Void
    ) async {
        var queue = [image.descriptor]
        while let descriptor = queue.popLast() {
            guard seen.insert(descriptor.digest).inserted else { continue }
            // What is damaged or missing at the destination is nothing to build upon.
            guard let manifest = try? await manifest(descriptor, in: image.repository) else { continue }
            queue += manifest.children
            guard case .image(let content) = manifest.content,
                let config = try? await config(of: content, in: image.repository),
                config.diffIDs.count == content.layers.count
            else { continue }
            for (diffID, layer) in zip(config.diffIDs, content.layers) { body(diffID, layer) }
        }
    }
}

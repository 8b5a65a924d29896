package import ImageModel

extension ImageSource {
    /// The manifest that a source lists as an image.
    ///
    /// - Throws: `ImageError.damaged` if it is not there.
    package func rootManifest(of image: SourceImage) async throws -> Manifest {
        try await SharedManifests(self).rootManifest(of: image)
    }

    /// All manifests that belong to an image: what is below its root, children first, and what refers to any of it.
    package func manifests(of image: SourceImage) async throws -> [Manifest] {
        var graph = try await ImageGraph(of: image, in: self)
        try await graph.addReferrers()
        return graph.nodes.map(\.manifest)
    }
}

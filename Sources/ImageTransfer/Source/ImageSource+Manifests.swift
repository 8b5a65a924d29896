package import ImageModel

extension ImageSource {
    /// All manifests that belong to an image: what is below its root, children first, and what refers to any of it.
    package func manifests(of image: SourceImage) async throws -> [Manifest] {
        var graph = try await ImageGraph(of: image, in: self, platforms: [])
        try await graph.addReferrers(of: image, in: self)
        return graph.nodes.map(\.manifest)
    }
}

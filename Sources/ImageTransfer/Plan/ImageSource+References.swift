package import ImageModel

/// References that lead to what failed, to be tried again.
extension ImageSource {
    /// The reference of an image; the source's title where none leads there.
    ///
    /// - Parameters:
    ///   - repository: that it lies in, where the source has several.
    ///   - digest: for an image without a tag.
    package func retryReference(to name: SourceImage.Name, in repository: String?, digest: Digest?) -> String {
        guard var reference = reference(in: repository) else { return title }
        guard reference.transport != .directory else { return reference.description }
        switch name {
        case .full(let name) where repository == nil:
            reference.name = name.description
            if name.tag == nil { reference.digest = digest }
        case .full(let name):
            if let tag = name.tag { reference.append(tag: tag) } else { reference.digest = digest }
        case .tag(let tag): reference.append(tag: tag)
        case .none: reference.digest = digest
        }
        return reference.description
    }

    /// The reference of everything.
    package var retryReference: String { reference(in: nil)?.description ?? title }

    package func retryReference(to image: SourceImage) -> String {
        retryReference(to: image.name, in: image.repository, digest: image.descriptor.digest)
    }

    package func retryReference(to image: BrokenImage) -> String {
        retryReference(to: image.name, in: image.repository, digest: image.digest)
    }
}

extension ImageReference {
    /// Names a tag of the repository that is named, or of a place that is one repository.
    package mutating func append(tag: String) { name = name.map { "\($0):\(tag)" } ?? tag }
}

extension CopySelection {
    /// The reference of all that is selected.
    package var retryReference: String {
        if var reference = source.reference(in: nil) {
            if name != nil { reference.name = name }
            reference.digest = digest
            return reference.description
        }
        guard let named = name.flatMap({ ImageName(withoutHost: $0) }) else { return source.retryReference }
        return source.retryReference(to: .full(named), in: named.repository, digest: digest)
    }
}

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

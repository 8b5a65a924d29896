import ImageModel

/// Puts the manifests of images whose blobs are at the destination, and gives them their names.
struct PublishStage: Sendable {
    private let context: CopyContext
    private let traffic = ManifestTraffic()
    private var destination: any ImageDestination { context.destination }

    init(_ context: CopyContext) { self.context = context }

    /// What an image has become.
    struct Published {
        let root: Descriptor
        /// Of manifests that were not there.
        var bytes: Int64 = 0
    }

    /// Publishes in the image's own family, or as OCI if the destination accepts only OCI and the manifests are dray's
    /// own work.
    ///
    /// - Parameter blobs: what the image's blobs are at the destination.
    func publish(_ image: ImagePlan, _ blobs: [Digest: Descriptor]) async throws -> Published {
        let options = context.options
        let mayChange = image.hasOwnManifests && options.format == nil && !options.strict
        if mayChange, (destination as? any ChoosesManifestFormat)?.refuses(.docker) == true {
            return try await publish(image, blobs, in: .oci)
        }
        do {
            return try await publish(image, blobs, in: nil)
        } catch let refusal as ManifestFormatRefused where refusal.format == .docker {
            guard mayChange else {
                let advice = options.names.advice(\.format) {
                    "if the registry accepts only OCI manifests, pass \($0) oci; this changes the digest"
                }
                throw ImageError.refused("\(refusal)" + advice)
            }
            let published = try await publish(image, blobs, in: .oci)
            context.progress.remark(
                "\(destination.title): schema2 manifests are refused; \(image.name) is pushed as OCI")
            return published
        }
    }

    /// Manifests child-first, and the name last: with the root, or after all that refers to it.
    ///
    /// - Parameter family: of the manifests; nil for the one that the plan has.
    private func publish(
        _ image: ImagePlan, _ blobs: [Digest: Descriptor], in family: ManifestFormat?
    ) async throws -> Published {
        let name = image.name
        let manifests = try image.manifests(with: blobs, in: family)
        let root = image.root(of: manifests)
        guard let top = manifests.first(where: { $0.digest == root.digest }) else {
            throw ImageError.damaged("\(name) has no manifest \(root.digest) among its own")
        }
        var published = Published(root: root)
        let referrers = image.nodes.filter(\.isReferrer)
        let parts = referrers.isEmpty ? manifests.filter { $0.digest != top.digest } : manifests
        for manifest in parts {
            let isNew = try await traffic.alone(at: manifest, in: name.repository) { [destination] in
                try await destination.putIfAbsent(manifest, in: name.repository)
            }
            if isNew { published.bytes = published.bytes.addingSaturated(manifest.size) }
        }
        for node in referrers {
            try await destination.tag(
                node.manifest.descriptor, as: ImageName(host: name.host, repository: name.repository))
        }
        let isNew = try await traffic.alone(at: top, tagged: name.tag, in: name.repository) { [destination] in
            if referrers.isEmpty { return try await destination.put(top, as: name) }
            try await destination.tag(root, as: name)
            return false
        }
        if isNew { published.bytes = published.bytes.addingSaturated(top.size) }
        return published
    }
}

import ByteStreams
import ImageModel

/// Finds layers that the destination has already in the form that is wanted, so that they are neither packed
/// nor sent again.
///
/// It trusts what the memory knows, and what it has read and found right itself; never a config's word alone.
struct LayerFinder {
    let destination: any ImageDestination
    private let memory: LayerMemory?
    let inflation: InflationLimit
    let progress: Progress

    /// Layers of images that are there, by the diffID that their configs claim.
    private struct Claims {
        var source: any ImageSource
        var layers: [Digest: [(layer: Descriptor, repository: String?)]] = [:]
    }

    /// By repository; nil where nothing can be read.
    private var claims: [String: Claims?] = [:]

    init(destination: any ImageDestination, memory: LayerMemory?, inflation: InflationLimit, progress: Progress) {
        self.destination = destination
        self.memory = memory
        self.inflation = inflation
        self.progress = progress
    }

    /// - Parameter tags: of all images that go into the repository.
    /// - Returns: digest and size of a layer that `repository` can refer to; nil if there is none.
    mutating func find(
        _ diffID: Digest, _ compression: LayerCompression, in repository: String, tags: [String]
    ) async throws -> Descriptor? {
        for layer in memory?.layers(of: diffID, compression) ?? []
        where try await destination.has(layer, in: repository) {
            return layer
        }
        guard let claims = try await claims(in: repository, tags: tags) else { return nil }
        for (layer, origin) in claims.layers[diffID] ?? [] where layer.mediaType.layerCompression == compression {
            guard try await destination.has(layer, in: repository) else { continue }
            guard try await holds(layer, diffID, compression, claims.source, origin) else { continue }
            memory?.remember(layer, as: compression, of: diffID)
            return layer.plain
        }
        return nil
    }

    private mutating func claims(in repository: String, tags: [String]) async throws -> Claims? {
        let scope = destination.traits.isOneRepository ? "" : repository
        if let known = claims[scope] { return known }
        var found: Claims?
        if let present = try await (destination as? any ReusesLayers)?.present(in: repository, tags: tags) {
            var new = Claims(source: present.source)
            var seen: Set<Digest> = []
            for image in present.images {
                await present.source.forEachLayer(below: image, unless: &seen) { diffID, layer in
                    new.layers[diffID, default: []].append((layer, image.repository))
                }
            }
            found = new
        }
        claims[scope] = .some(found)
        return found
    }

    /// Whether it does hold that tar: reads all of it.
    private func holds(
        _ layer: Descriptor, _ diffID: Digest, _ compression: LayerCompression, _ source: any ImageSource,
        _ repository: String?
    ) async throws -> Bool {
        if layer.digest == diffID { return true }
        guard let format = compression.streamFormat else { return false }
        let title = "\(source.title): layer \(layer.digest)"
        do {
            let bytes = Handover(try await source.blob(layer, in: repository))
            try await Workers.blobs.run(stoppable: { [inflation] stop in
                let packed = VerifyingSource(
                    MeteredSource(bytes.value, progress: Progress(), stop: stop), digest: layer.digest,
                    size: layer.size, name: title)
                let tar = try InflatingSource(packed, format: format, limit: inflation, name: title)
                _ = try VerifyingSource(tar, digest: diffID, size: nil, name: "\(title), inflated,").drain()
                _ = try packed.drain()
            })
            return true
        } catch let error where BrokenImage(name: .none, error: error) != nil {
            progress.remark("a layer is not reused, because it is not what an image there says: \(error)")
            return false
        }
    }
}

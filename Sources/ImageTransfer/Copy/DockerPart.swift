package import ImageModel

/// What `docker load` can take of an image from the docker part of an archive: `manifest.json`, which lists the config and
/// the bytes of every layer.
package enum DockerPart {
    /// The image that docker is to see: of an index, the one for this machine's platform, else the first.
    ///
    /// - Returns: nil for artifacts and attachments.
    package static func image(below digest: Digest, in manifests: [Digest: Manifest], depth: Int = 0) -> ImageManifest?
    {
        guard let manifest = manifests[digest], depth < 8 else { return nil }
        switch manifest.content {
        case .image(let image): return image.config.mediaType.isImageConfig && image.subject == nil ? image : nil
        case .schema1: return nil
        case .index(let index):
            let children = index.manifests.filter { !$0.isAttestation }
            let preferred = children.filter { $0.platform.map(Platform.host.accepts) ?? false }
            for child in preferred + children {
                if let image = image(below: child.digest, in: manifests, depth: depth + 1) { return image }
            }
            return nil
        }
    }

    /// Why docker cannot load an image from the docker part; nil if it can.
    package static func problem(of image: ImageManifest) -> String? {
        for layer in image.layers {
            if layer.staysAway { return "it has foreign layers, whose bytes are only at their URLs" }
            switch layer.mediaType.layerCompression {
            case .some(.none), .some(.gzip): continue
            case .some(.zstd): return "it has zstd layers, which many engines cannot load"
            case nil:
                if layer.mediaType.isForeignLayer { continue }
                let isEncrypted = layer.mediaType.rawValue.hasSuffix("+encrypted")
                return isEncrypted
                    ? "it has encrypted layers" : "it has layers of the media type \(layer.mediaType)"
            }
        }
        return nil
    }
}

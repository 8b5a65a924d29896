package import ImageModel

/// What `docker load` can take of an image from the docker part of an archive: `manifest.json`, which lists the config and
/// the bytes of every layer.
package enum DockerPart {
    /// What docker may be told of a manifest.
    package enum Content<Image> {
        case image(Image)
        /// Children, of which it is told of the first that is an image or has one below it.
        case index([Digest])

        package func map<Other>(_ body: (Image) throws -> Other) rethrows -> Content<Other> {
            switch self {
            case .image(let image): .image(try body(image))
            case .index(let children): .index(children)
            }
        }
    }

    /// - Returns: nil for artifacts and attachments.
    package static func content(of manifest: Manifest) -> Content<ImageManifest>? {
        switch manifest.content {
        case .image(let image):
            return image.config.mediaType.isImageConfig && image.subject == nil ? .image(image) : nil
        case .schema1: return nil
        case .index(let index):
            let children = index.manifests.filter { !$0.isAttestation }
            let preferred = children.filter { $0.platform.map(Platform.host.accepts) ?? false }
            return .index((preferred + children).map(\.digest))
        }
    }

    /// The image that docker is to see: of an index, the one for this machine's platform, else the first.
    package static func image<Image>(below digest: Digest, in contents: (Digest) -> Content<Image>?) -> Image? {
        // An index that was looked into holds nothing, unless its depth was cut off.
        var depths: [Digest: Int] = [:]
        func find(_ digest: Digest, _ depth: Int) -> Image? {
            guard depth < 8, depths[digest].map({ depth < $0 }) ?? true else { return nil }
            depths[digest] = depth
            switch contents(digest) {
            case .image(let image): return image
            case .index(let children):
                for child in children {
                    if let image = find(child, depth + 1) { return image }
                }
                return nil
            case nil: return nil
            }
        }
        return find(digest, 0)
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

/// How the tar of a layer is packed, as far as media types can say it.
public enum LayerCompression: String, Sendable, CaseIterable {
    case none
    case gzip
    case zstd
}

/// The two families of manifests. They differ in the names of the same things, but for zstd, which only
/// OCI has a name for.
public enum ManifestFormat: String, Sendable, CaseIterable {
    case docker
    case oci
}

extension MediaType {
    /// The compression of an ordinary layer; nil for whatever else (configs, foreign layers, artifacts).
    public var layerCompression: LayerCompression? {
        switch self {
        case .ociLayer, .dockerLayer: LayerCompression.none
        case .ociLayerGzip, .dockerLayerGzip: .gzip
        case .ociLayerZstd: .zstd
        default: nil
        }
    }

    /// The name of such a layer; nil where the format has none (zstd in schema2).
    public static func layer(_ compression: LayerCompression, in format: ManifestFormat) -> MediaType? {
        switch (format, compression) {
        case (.oci, .none): .ociLayer
        case (.oci, .gzip): .ociLayerGzip
        case (.oci, .zstd): .ociLayerZstd
        case (.docker, .none): .dockerLayer
        case (.docker, .gzip): .dockerLayerGzip
        case (.docker, .zstd): nil
        }
    }

    /// The same kind of content under the other family's name; what has no counterpart keeps its name.
    public func renamed(for format: ManifestFormat) -> MediaType {
        if let compression = layerCompression { return .layer(compression, in: format) ?? self }
        let pairs: [(docker: MediaType, oci: MediaType)] = [
            (.dockerList, .ociIndex), (.dockerManifest, .ociManifest), (.dockerConfig, .ociConfig),
            (.dockerForeignLayer, .ociForeignLayerGzip),
        ]
        for pair in pairs where self == pair.docker || self == pair.oci {
            return format == .docker ? pair.docker : pair.oci
        }
        return self
    }

    /// The family that a manifest or index belongs to; nil for schema1 and unknown types.
    public var manifestFormat: ManifestFormat? {
        switch self {
        case .ociIndex, .ociManifest, .ociArtifactManifest: .oci
        case .dockerList, .dockerManifest: .docker
        default: nil
        }
    }
}

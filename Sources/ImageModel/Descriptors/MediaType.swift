/// The type of a blob or manifest, as a descriptor or a `Content-Type` gives it.
///
/// Any string is a media type; those that change what dray does have names here. Sources: OCI image-spec
/// media-types.md, distribution's manifest schema 2 specification.
public struct MediaType: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
    public let rawValue: String

    public init(_ text: String) { rawValue = text }

    /// As a document gives it. The text of a type that has a name here is in memory once, however many descriptors have
    /// it.
    public init(rawValue: String) { self.rawValue = Self.known[rawValue] ?? rawValue }

    private static let known = Dictionary(
        uniqueKeysWithValues: [
            ociIndex, ociManifest, ociArtifactManifest, ociConfig, ociEmpty, ociLayer, ociLayerGzip, ociLayerZstd,
            ociForeignLayer, ociForeignLayerGzip, dockerList, dockerManifest, dockerConfig, dockerLayer,
            dockerLayerGzip, dockerForeignLayer, dockerSchema1, dockerSchema1Signed,
        ].map { ($0.rawValue, $0.rawValue) })

    public var description: String { rawValue }

    public static let ociIndex = MediaType("application/vnd.oci.image.index.v1+json")
    public static let ociManifest = MediaType("application/vnd.oci.image.manifest.v1+json")
    public static let ociArtifactManifest = MediaType("application/vnd.oci.artifact.manifest.v1+json")
    public static let ociConfig = MediaType("application/vnd.oci.image.config.v1+json")
    public static let ociEmpty = MediaType("application/vnd.oci.empty.v1+json")
    public static let ociLayer = MediaType("application/vnd.oci.image.layer.v1.tar")
    public static let ociLayerGzip = MediaType("application/vnd.oci.image.layer.v1.tar+gzip")
    public static let ociLayerZstd = MediaType("application/vnd.oci.image.layer.v1.tar+zstd")
    public static let ociForeignLayer = MediaType("application/vnd.oci.image.layer.nondistributable.v1.tar")
    public static let ociForeignLayerGzip = MediaType("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip")

    public static let dockerList = MediaType("application/vnd.docker.distribution.manifest.list.v2+json")
    public static let dockerManifest = MediaType("application/vnd.docker.distribution.manifest.v2+json")
    public static let dockerConfig = MediaType("application/vnd.docker.container.image.v1+json")
    public static let dockerLayer = MediaType("application/vnd.docker.image.rootfs.diff.tar")
    public static let dockerLayerGzip = MediaType("application/vnd.docker.image.rootfs.diff.tar.gzip")
    public static let dockerForeignLayer = MediaType("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")

    public static let dockerSchema1 = MediaType("application/vnd.docker.distribution.manifest.v1+json")
    public static let dockerSchema1Signed = MediaType("application/vnd.docker.distribution.manifest.v1+prettyjws")

    /// The kind of manifest that this is the type of; nil for other content.
    package var manifestKind: ManifestKind? {
        switch self {
        case .ociIndex, .dockerList: .index
        case .ociManifest, .dockerManifest: .image
        case .ociArtifactManifest: .artifact
        case .dockerSchema1, .dockerSchema1Signed: .schema1
        default: nil
        }
    }

    public var isSchema1: Bool { manifestKind == .schema1 }

    /// Whether content of this type is a manifest, in the sense of the registry API: it is put by
    /// `PUT manifests/`, and refers to other content.
    public var isManifest: Bool { manifestKind != nil }

    public var isImageConfig: Bool { self == .ociConfig || self == .dockerConfig }

    /// A layer whose bytes need not travel with the image.
    public var isForeignLayer: Bool {
        self == .dockerForeignLayer || rawValue.hasPrefix(Self.ociForeignLayer.rawValue)
    }
}

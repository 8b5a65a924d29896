/// A reference to content by type, digest and size. Source: OCI image-spec, descriptor.md.
///
/// A descriptor that was read keeps the members that dray knows; the document it stood in is carried as
/// bytes, so nothing is lost by that.
public struct Descriptor: Hashable, Sendable, Codable {
    public var mediaType: MediaType
    public var digest: Digest
    /// Bytes.
    public var size: Int64
    /// The members that most descriptors lack, in an array of one; empty where there are none. There are very many
    /// descriptors in memory at a time.
    private var details: [Details] = []

    private struct Details: Hashable, Sendable {
        var urls: [String]?
        var annotations: PackedAnnotations?
        var artifactType: String?
        var platform: Platform?
        var data: String?
    }

    private mutating func setDetail<T>(_ member: WritableKeyPath<Details, T?>, _ value: T?) {
        var new = details.first ?? Details()
        new[keyPath: member] = value
        details = new == Details() ? [] : [new]
    }

    public var urls: [String]? {
        get { details.first?.urls }
        set { setDetail(\.urls, newValue) }
    }
    public var annotations: [String: String]? {
        get { packedAnnotations?.dictionary }
        set { packedAnnotations = newValue.map { PackedAnnotations($0) } }
    }
    var packedAnnotations: PackedAnnotations? {
        get { details.first?.annotations }
        set { setDetail(\.annotations, newValue) }
    }
    public var artifactType: String? {
        get { details.first?.artifactType }
        set { setDetail(\.artifactType, newValue) }
    }
    public var platform: Platform? {
        get { details.first?.platform }
        set { setDetail(\.platform, newValue) }
    }
    /// Base64 of the content itself, where an index or manifest embeds it.
    public var data: String? {
        get { details.first?.data }
        set { setDetail(\.data, newValue) }
    }

    public init(
        mediaType: MediaType, digest: Digest, size: Int64, urls: [String]? = nil,
        annotations: [String: String]? = nil, artifactType: String? = nil, platform: Platform? = nil
    ) {
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
        let details = Details(
            urls: urls, annotations: annotations.map { PackedAnnotations($0) }, artifactType: artifactType,
            platform: platform)
        if details != Details() { self.details = [details] }
    }

    /// What something is called by its digest alone: of what kind it is has still to be seen.
    ///
    /// - Parameter size: bytes; -1 where they are not known either.
    public init(untyped digest: Digest, size: Int64 = -1) {
        self.init(mediaType: MediaType(""), digest: digest, size: size)
    }

    /// Bytes: what JSON's numbers hold exactly everywhere.
    public static let sizeLimit: Int64 = 1 << 53

    enum CodingKeys: String, CodingKey {
        case mediaType, digest, size, urls, annotations, artifactType, platform, data
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        mediaType = try container.decodeIfPresent(MediaType.self, forKey: .mediaType) ?? MediaType("")
        digest = try container.decode(Digest.self, forKey: .digest)
        size = try container.decode(Int64.self, forKey: .size)
        guard (0...Self.sizeLimit).contains(size) else {
            throw DecodingError.dataCorruptedError(
                forKey: .size, in: container,
                debugDescription: size < 0 ? "size \(size) is negative" : "size \(size) is more than any blob has")
        }
        let details = Details(
            urls: try container.decodeIfPresent([String].self, forKey: .urls),
            annotations: try container.decodeIfPresent([String: String].self, forKey: .annotations)
                .map { PackedAnnotations($0) },
            artifactType: try container.decodeIfPresent(String.self, forKey: .artifactType),
            platform: try container.decodeIfPresent(Platform.self, forKey: .platform),
            data: try container.decodeIfPresent(String.self, forKey: .data))
        if details != Details() { self.details = [details] }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(mediaType, forKey: .mediaType)
        try container.encode(digest, forKey: .digest)
        try container.encode(size, forKey: .size)
        try container.encodeIfPresent(urls, forKey: .urls)
        try container.encodeIfPresent(annotations, forKey: .annotations)
        try container.encodeIfPresent(artifactType, forKey: .artifactType)
        try container.encodeIfPresent(platform, forKey: .platform)
        try container.encodeIfPresent(data, forKey: .data)
    }

    /// Type, digest and size alone.
    public var plain: Descriptor { Descriptor(mediaType: mediaType, digest: digest, size: size) }

    /// Compares what another descriptor says of a manifest that this one was made of, other than its digest.
    ///
    /// - Parameter name: of the manifest, for messages.
    /// - Throws: `ImageError` if the other one gives another kind of manifest, or another size.
    package func check(claim other: Descriptor, name: @autoclosure () -> String) throws(ImageError) {
        try mediaType.manifestKind?.check(claim: other.mediaType, name: name())
        guard other.size < 0 || other.size == size else {
            throw ImageError.invalidDocument("\(name()) has \(size) bytes, but its descriptor says \(other.size)")
        }
    }

    /// The content itself, where the descriptor embeds it; nil if it does not, or embeds something else.
    public var embeddedContent: [UInt8]? {
        guard let data, data.utf8.count <= Document.sizeLimit, let bytes = Base64.decode(data),
            Int64(bytes.count) == size, Digest(of: bytes, algorithm: digest.algorithm) == digest
        else { return nil }
        return bytes
    }

    /// Whether the content may be a manifest: its type is one of a manifest, or one of anything but a layer, and it is not
    /// too large. Which it is, the content shows.
    public var mayBeManifest: Bool {
        mediaType.isManifest
            || size <= Int64(Document.sizeLimit) && mediaType.layerCompression == nil && !mediaType.isForeignLayer
    }

    /// One of the annotations: others are not looked at.
    private func annotation(_ key: String) -> String? { details.first?.annotations?[key] }

    /// Docker's wrapper around the attestations of one image of the same index.
    public var isAttestation: Bool {
        annotation("vnd.docker.reference.type") == "attestation-manifest" || platform?.isUnknown == true
    }

    /// The manifest of the same index that an attestation is about.
    public var attestedDigest: Digest? { annotation(Self.attestedDigestKey).flatMap { Digest($0) } }

    public static let attestedDigestKey = "vnd.docker.reference.digest"
}

public import ImageModel

/// Somewhere that images can be written to.
///
/// The copier calls, in this order: `begin`; for each image its missing blobs by `writer`, its manifests
/// child-first by `put`, its name by `tag`; `finish`. Or, after an error, `abandon`.
public protocol ImageDestination: Sendable {
    var title: String { get }
    var traits: DestinationTraits { get }
    /// Name in the destination's reference: what images are to be called there.
    var requestedName: String? { get }

    /// - Parameter images: what is going to be put, where it is known beforehand: a destination that
    ///   writes a stream can put its index first.
    func begin(_ images: [AnnouncedImage]?) async throws
    /// Whether a blob is there already, and can be referred to from `repository`.
    func has(_ blob: Descriptor, in repository: String) async throws -> Bool
    /// Whether a manifest is there already, with all that it refers to.
    func has(manifest: Digest, in repository: String) async throws -> Bool
    /// What `name` means at the moment; nil if nothing.
    func digest(of name: ImageName) async throws -> Digest?
    /// What layers became in images that are there already: by diffID.
    ///
    /// - Parameter tags: names that are going to be given, whose images are the likeliest to have the layers.
    func knownLayers(in repository: String, tags: [String]) async throws -> [Digest: [Descriptor]]
    /// Makes a blob that is elsewhere at the destination usable in `repository`, without its bytes.
    ///
    /// - Parameters:
    ///   - source: where it comes from otherwise; nil if this copy has put it there already.
    ///   - origin: the source's repository.
    /// - Returns: whether it is there now.
    func adopt(
        _ blob: Descriptor, from source: (any ImageSource)?, in origin: String?, into repository: String
    ) async throws -> Bool
    /// Bytes that can still be written; nil if that cannot be told.
    func freeSpace() async throws -> Int64?

    /// Called on a worker.
    func writer(for target: BlobTarget) throws -> any BlobWriter
    /// Puts a manifest whose blobs and children are there.
    func put(_ manifest: Manifest, in repository: String) async throws
    /// Gives a manifest its name; nil for one that goes by digest.
    func tag(_ descriptor: Descriptor, as name: ImageName) async throws
    func finish() async throws
    func abandon() async
}

extension ImageDestination {
    public func adopt(
        _ blob: Descriptor, from source: (any ImageSource)?, in origin: String?, into repository: String
    ) async throws -> Bool { false }
}

/// An image that is going to be written: its final root, and every manifest below it.
public struct AnnouncedImage: Sendable {
    public var name: ImageName
    /// The root last.
    public var manifests: [Manifest]
    public var root: Descriptor

    public init(name: ImageName, manifests: [Manifest], root: Descriptor) {
        self.name = name
        self.manifests = manifests
        self.root = root
    }
}

/// What a destination can do.
public struct DestinationTraits: Sendable {
    /// How many blobs can be under way at once.
    public var concurrentBlobs: Int = .max
    /// Whether size and digest must be known before the first byte: a tar on a pipe.
    public var needsSizeFirst = false
    public var holdsReferrers = true
    public var holdsSchema1 = false
    /// Whether more than one image fits.
    public var holdsManyImages = true
    /// Whether the registry's host is part of the names there.
    public var keepsHosts = false
    /// Whether a requested name that is one word is a tag (layouts, archives) or a repository (stores).
    public var bareNameIsTag = true
    /// Whether raw layers are at home there: then they are not gzipped unless that is asked for.
    public var keepsRawLayers = false
    /// Whether a blob that is there can be referred to from every repository.
    public var sharesBlobs = true
    /// Whether a blob's repository must be known before its first byte.
    public var needsRepositoryFirst = false

    public init() {}
}

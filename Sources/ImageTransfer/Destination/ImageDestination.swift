package import ImageModel

/// Somewhere that images can be written to.
///
/// The copier calls, in this order: `begin`; for each image its missing blobs by `writer`, its manifests
/// child-first by `put`, the last one with its name, or that by `tag` once all that refers to it is there; `finish`. Or,
/// after an error, `abandon`. Of a source that comes once, blobs come even before `begin`.
package protocol ImageDestination: ChangeablePlace {
    var title: String { get }
    var traits: DestinationTraits { get }
    /// Name in the destination's reference: what images are to be called there.
    var requestedName: String? { get }

    /// - Parameters:
    ///   - images: what is going to be put, as far as that is known beforehand.
    ///   - areCertain: whether it is known to the byte, and all of it has to arrive: a destination that writes a
    ///     stream can put its index first.
    func begin(_ images: AnnouncedImages, areCertain: Bool) async throws
    /// Whether a blob is there already, and can be referred to from `repository`.
    func has(_ blob: Descriptor, in repository: String) async throws -> Bool
    /// Whether a manifest is there already, with all that it refers to.
    func has(manifest: Digest, in repository: String) async throws -> Bool
    /// What `name` means at the moment; nil if nothing.
    func digest(of name: ImageName) async throws -> Digest?
    /// What is known there to refer to a manifest. Asked only where `traits.namesAreWhole`.
    func referrers(of digest: Digest, in repository: String) async throws -> [Descriptor]
    /// What is known of an image that is there; nothing where a network would have to be asked.
    func known(_ digest: Digest, in repository: String) async throws -> KnownImage
    /// Told, before `begin`, of an image that is there already, with all of its referrers.
    func keep(_ descriptor: Descriptor, as name: ImageName, referrers: [Descriptor]) async throws
    /// Told, before `finish`, what could not be copied and is left out.
    func leaveOut(_ failures: [CopyReport.Failure])
    /// Asked before `begin` for the file that a copy would replace as a whole, such as an archive; nil if there is none.
    ///
    /// - Parameter mayReplace: whether `finish` may replace a file, be it one that appears during the copy.
    func existingFile(mayReplace: Bool) async throws -> String?
    /// Images that are there already, which may have layers in the form that is wanted.
    ///
    /// - Parameter tags: names that are going to be given, whose images are the likeliest to have them.
    /// - Returns: nil if nothing there can be read.
    func present(in repository: String, tags: [String]) async throws -> PresentImages?
    /// What is known of the layers there; nil where none can be reused.
    var layerMemory: LayerMemory? { get }
    /// Makes a blob that is elsewhere at the destination usable in `repository`, without its bytes.
    ///
    /// - Parameters:
    ///   - source: where it comes from otherwise; nil if this copy has put it there already.
    ///   - origin: the source's repository.
    /// - Returns: whether it is there now.
    func adopt(
        _ blob: Descriptor, from source: (any ImageSource)?, in origin: String?, into repository: String
    ) async throws -> Bool
    /// Whether something can still be written after a failure: not to a pipe that took half a blob.
    var isIntact: Bool { get }
    /// Bytes that can still be written; nil if that cannot be told.
    func freeSpace() async throws -> Int64?
    /// Why nothing can be written, as far as that can be told without writing.
    func writeObstacle() async throws -> String?

    /// Called on a worker.
    func writer(for target: BlobTarget) throws -> any BlobWriter
    /// Puts a manifest whose blobs and children are there.
    func put(_ manifest: Manifest, in repository: String) async throws
    /// Puts a manifest likewise, if it is not there, and gives it its name.
    ///
    /// - Returns: whether it was not there, as far as the destination has looked.
    func put(_ manifest: Manifest, as name: ImageName) async throws -> Bool
    /// Gives a manifest its name; nil for one that goes by digest.
    func tag(_ descriptor: Descriptor, as name: ImageName) async throws
    func finish() async throws
    func abandon() async
}

extension ImageDestination {
    package var isIntact: Bool { true }

    package func adopt(
        _ blob: Descriptor, from source: (any ImageSource)?, in origin: String?, into repository: String
    ) async throws -> Bool { false }
    package func put(_ manifest: Manifest, as name: ImageName) async throws -> Bool {
        try await putThenTag(manifest, as: name)
    }

    /// One after the other.
    package func putThenTag(_ manifest: Manifest, as name: ImageName) async throws -> Bool {
        let isNew = try await putIfAbsent(manifest, in: name.repository)
        try await tag(manifest.descriptor, as: name)
        return isNew
    }

    /// - Returns: whether it was not there.
    func putIfAbsent(_ manifest: Manifest, in repository: String) async throws -> Bool {
        if try await has(manifest: manifest.digest, in: repository) { return false }
        try await put(manifest, in: repository)
        return true
    }

    package func writeObstacle() async throws -> String? { nil }
    package func referrers(of digest: Digest, in repository: String) async throws -> [Descriptor] { [] }
    package func known(_ digest: Digest, in repository: String) async throws -> KnownImage { KnownImage() }
    package func keep(_ descriptor: Descriptor, as name: ImageName, referrers: [Descriptor]) async throws {}
    package func leaveOut(_ failures: [CopyReport.Failure]) {}
    package func existingFile(mayReplace: Bool) async throws -> String? { nil }
    package func present(in repository: String, tags: [String]) async throws -> PresentImages? { nil }
    package var layerMemory: LayerMemory? { nil }
}

/// Images that are at a destination, and what reads them.
package struct PresentImages: Sendable {
    package var source: any ImageSource
    package var images: [SourceImage]

    package init(source: any ImageSource, images: [SourceImage]) {
        self.source = source
        self.images = images
    }
}

/// What a destination knows of an image that it has as a whole.
package struct KnownImage: Sendable {
    /// All of them, those of referrers too.
    package var manifests: [Descriptor] = []
    /// Those that indexes among them list.
    package var children: Set<Digest> = []
    /// Bytes of these and of what they refer to.
    package var bytes: Int64 = 0

    package init() {}

    /// - Parameter manifests: of the whole image.
    package init(_ manifests: [Manifest]) {
        var blobs: Set<Digest> = []
        for manifest in manifests {
            self.manifests.append(manifest.descriptor)
            children.formUnion(manifest.children.lazy.map(\.digest))
            bytes = bytes.addingSaturated(manifest.size)
            for blob in manifest.blobs where !blob.staysAway && blob.size > 0 && blobs.insert(blob.digest).inserted {
                bytes = bytes.addingSaturated(blob.size)
            }
        }
    }
}

/// An image that is going to be written: its final root, and every manifest below it.
package struct AnnouncedImage: Sendable {
    package var name: ImageName
    /// The root last.
    package var manifests: [Manifest]
    package var root: Descriptor
    /// The config that does not fit the image's layers, so that docker could not load it.
    package var unloadableConfig: Digest?

    package init(name: ImageName, manifests: [Manifest], root: Descriptor, unloadableConfig: Digest? = nil) {
        self.name = name
        self.manifests = manifests
        self.root = root
        self.unloadableConfig = unloadableConfig
    }
}

/// Everything that is going to be written, one image after the other: not all of it is in memory at a time.
package struct AnnouncedImages: Sendable {
    package let count: Int
    private let image: @Sendable (Int) throws -> AnnouncedImage

    /// - Parameter image: gives the image at a position, and the same whenever it is asked.
    package init(count: Int, image: @Sendable @escaping (Int) throws -> AnnouncedImage) {
        self.count = count
        self.image = image
    }

    package func forEach(_ body: (AnnouncedImage) throws -> Void) throws {
        for position in 0..<count { try body(image(position)) }
    }
}

/// What a destination can do.
package struct DestinationTraits: Sendable {
    /// How many blobs can be under way at once.
    package var concurrentBlobs: Int = .max
    /// Whether the order in which images come shows in what is written, so that they come one after the other.
    package var ordersImages = true
    /// Whether size and digest must be known before the first byte: a tar on a pipe.
    package var needsSizeFirst = false
    package var holdsReferrers = true
    package var holdsSchema1 = false
    /// Whether more than one image fits.
    package var holdsManyImages = true
    /// Whether the registry's host is part of the names there.
    package var keepsHosts = false
    /// Whether a requested name that is one word is a tag (layouts, archives) or a repository (stores).
    package var bareNameIsTag = true
    /// Whether raw layers are at home there: then they are not gzipped unless that is asked for.
    package var keepsRawLayers = false
    /// Whether a blob that is there can be referred to from every repository.
    package var sharesBlobs = true
    /// Whether a blob without an image stays until a later copy builds upon it.
    package var keepsLooseBlobs = true
    /// Whether nothing is there before all is: an archive that is a file.
    package var appearsAtOnce = false
    /// Whether everything lies in one place, whatever repositories names tell.
    package var isOneRepository = false
    /// Whether an image that goes by SHA-512 keeps that.
    package var keepsSHA512 = true
    /// Whether docker's part of an archive is written, which cannot do without the bytes of any layer.
    package var hasDockerPart = false
    /// Whether a blob's repository must be known before its first byte.
    package var needsRepositoryFirst = false
    /// Whether a blob is committed as soon as it is there, since nobody sees it before its manifest.
    package var commitsBlobsAtOnce = false
    /// Whether what a name means is there with all that it refers to: it could not have been put otherwise.
    package var namesAreWhole = false

    package init() {}
}

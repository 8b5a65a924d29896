package import ImageModel

/// A destination in which each repository has blobs of its own: a blob of one can be mounted into another.
package protocol MountsBlobs: ImageDestination {
    /// Makes a blob that is elsewhere at the destination usable in `repository`, without its bytes.
    ///
    /// - Parameters:
    ///   - source: the source of this copy; nil if this copy has put the blob there already.
    ///   - origin: the source's repository.
    /// - Returns: whether it is usable now.
    func mount(
        _ blob: Descriptor, from source: (any ImageSource)?, in origin: String?, into repository: String
    ) async throws -> Bool
}

/// A destination that puts a manifest and names it in one step.
package protocol NamesWhilePutting: ImageDestination {
    /// - Returns: whether the manifest was not there; nil if this manifest takes two steps.
    func putNamed(_ manifest: Manifest, as name: ImageName) async throws -> Bool?
}

/// A destination that accepts nothing unless all that it refers to is there, so that a name stands for a whole image.
package protocol HoldsWholeImages: ImageDestination {
    /// Whether this one is such a destination.
    var holdsWholeImages: Bool { get }
    /// Whether each look-up is a request to another machine, so that a name is taken for the whole image.
    var isRemote: Bool { get }
    /// The parts of an image that is there; nothing where a network would have to be asked.
    func known(_ digest: Digest, in repository: String) async throws -> KnownImage
    /// The manifests there that are known to refer to another one.
    func referrers(of digest: Digest, in repository: String) async throws -> [Descriptor]
}

extension HoldsWholeImages {
    package var holdsWholeImages: Bool { true }
    package var isRemote: Bool { false }
}

extension ImageDestination {
    /// As a destination that holds whole images; nil if it does not.
    var wholeImages: (any HoldsWholeImages)? {
        (self as? any HoldsWholeImages).flatMap { $0.holdsWholeImages ? $0 : nil }
    }
}

/// A destination whose layers can stand for the same tars of another image.
package protocol ReusesLayers: ImageDestination {
    var layerMemory: LayerMemory? { get }
    /// Images that are there already, which may have layers in the requested compression.
    ///
    /// - Parameter tags: names that are going to be given, whose images are the likeliest to have them.
    /// - Returns: nil if nothing there can be read.
    func present(in repository: String, tags: [String]) async throws -> PresentImages?
}

/// A destination on a disk.
package protocol OccupiesDisk: ImageDestination {
    /// Bytes that can still be written; nil if that cannot be told.
    func freeSpace() async throws -> Int64?
    /// The reason why nothing can be written, as far as that can be told without writing.
    func writeObstacle() async throws -> String?
}

/// A destination that is one file, replaced as a whole.
package protocol ReplacesFile: ImageDestination {
    /// The file that a copy would replace; nil if there is none. Asked before `begin`.
    ///
    /// - Parameter mayReplace: whether `finish` may replace a file, be it one that appears during the copy.
    func existingFile(mayReplace: Bool) async throws -> String?
    /// Whether something can still be written after a failure: not to a pipe that took half a blob.
    var isIntact: Bool { get }
}

/// A destination that lists all images of a run, those included that are there already.
package protocol ListsAllImages: ImageDestination {
    /// Adds an image that is there already, with all of its referrers. Called before `begin`.
    func keep(_ descriptor: Descriptor, as name: ImageName, referrers: [Descriptor]) async throws
    /// Notes what could not be copied and is left out. Called before `finish`.
    func leaveOut(_ failures: [CopyReport.Failure])
}

/// A destination that may take manifests of one family alone: some registries take OCI's only.
package protocol ChoosesManifestFormat: ImageDestination {
    /// Whether a family is known to be refused.
    func refuses(_ format: ManifestFormat) -> Bool
}

/// Images that are at a destination, and the source that reads them.
package struct PresentImages: Sendable {
    package var source: any ImageSource
    package var images: [SourceImage]

    package init(source: any ImageSource, images: [SourceImage]) {
        self.source = source
        self.images = images
    }
}

/// The parts of an image that a destination has as a whole.
package struct KnownImage: Sendable {
    /// All of them, those of referrers included.
    package var manifests: [Descriptor] = []
    /// The manifests that indexes among them list.
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

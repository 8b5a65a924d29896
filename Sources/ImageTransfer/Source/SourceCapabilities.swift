package import ByteStreams
package import ImageModel

/// A source that can look a name up without reading the whole list of images.
package protocol LooksUpNames: ImageSource {
    /// The images that a reference stands for; all without name and digest.
    ///
    /// - Parameters:
    ///   - name: a repository, a tag, or both, as the source's transport writes them.
    ///   - digest: of a manifest, or an image ID.
    /// - Throws: `ImageError.notFound`, with the names that there are.
    func lookUp(named name: String?, digest: Digest?) async throws -> SourceListing
}

/// A source in which each look-up costs a request over a network.
package protocol RemoteSource: LooksUpNames {
    /// The images of a reference that are chosen by their tags, before anything but these is looked at.
    ///
    /// - Parameter choose: is given each repository; gives the wanted tags, all of which are there.
    func lookUp(
        named name: String?, choosing choose: @Sendable (TagCandidates) async throws -> [String]
    ) async throws -> SourceListing
    /// The only image, or the one that is tagged `latest`.
    func lookUpImage(named name: String?, digest: Digest?) async throws -> SourceImage
    /// The images of a repository whose tags are wanted.
    func lookUp(in repository: String?, tagged isWanted: @Sendable @escaping (String) -> Bool) async throws
        -> [SourceImage]
    /// The referrers that no tag of the repository lists: where fallback tags do, they are images of their own.
    func untaggedReferrers(of digest: Digest, in repository: String?) async throws -> [Descriptor]
}

/// A source of raw layers whose digests are computed, so that only diffIDs show that a layer is the right one.
package protocol HoldsRawLayers: ImageSource {
    /// The diffID that a layer has to have; nil where its digest was given.
    func expectedDiffID(of layer: Digest) async throws -> Digest?
}

/// A source that can tell whether it lacks a blob, and why.
package protocol KnowsAbsences: ImageSource {
    /// The reason why a blob is not here, as far as that can be told without reading it; nil if it seems to be.
    func absence(of blob: Descriptor, in repository: String?) async throws -> BlobAbsence?
}

/// A source of several files.
package protocol NamesBlobFiles: ImageSource {
    /// The file that holds a blob, for messages.
    func title(of blob: Digest) -> String
}

/// A place whose reading is done by a source of its own.
package protocol ReadsThroughSource: KnowsAbsences {
    associatedtype Reader: KnowsAbsences
    var source: Reader { get }
}

extension ReadsThroughSource {
    package var madeUpRepository: String { source.madeUpRepository }
    package func reference(in repository: String?) -> ImageReference? { source.reference(in: repository) }
    package func listing() async throws -> SourceListing { try await source.listing() }
    package func manifest(_ descriptor: Descriptor, in repository: String?) async throws -> Manifest {
        try await source.manifest(descriptor, in: repository)
    }
    package func blob(_ descriptor: Descriptor, in repository: String?) async throws -> any ByteSource {
        try await source.blob(descriptor, in: repository)
    }
    package func referrers(of digest: Digest, in repository: String?) async throws -> [Descriptor] {
        try await source.referrers(of: digest, in: repository)
    }
    package func absence(of blob: Descriptor, in repository: String?) async throws -> BlobAbsence? {
        try await source.absence(of: blob, in: repository)
    }
}

package import ByteStreams
package import ImageModel
package import ImageTransfer

/// A place that can be verified: a source that also tells what lies there, whether images need it or not.
///
/// Content is asked for by what is stored, not by what a repository may serve: whether it may is told by the
/// survey, so that a missing link and missing bytes are two different things.
package protocol VerifiedPlace: ImageSource {
    /// Names and what they mean, and what only this kind of place can tell.
    ///
    /// What refers is looked at before what is referred to: what is pushed meanwhile is no damage.
    func survey(named name: String?, digest: Digest?) async throws -> PlaceSurvey
    /// Whether the same digest is the same bytes, whichever repository is asked.
    var sharesContent: Bool { get }
    /// The manifest, whether the repository may serve it or not. Its size is not compared with the descriptor's.
    func storedManifest(_ descriptor: Descriptor, in repository: String?) async throws -> Manifest
    /// A blob, likewise.
    func storedBlob(_ descriptor: Descriptor, in repository: String?) async throws -> any ByteSource
    /// Whether a blob that was read elsewhere can be had from this repository, too.
    func serves(_ blob: Descriptor, in repository: String?) async throws -> Bool
    /// What changes when the file changes that a blob lies in; nil where that cannot be told.
    func stamp(of blob: Descriptor, in repository: String?) async throws -> String?
    /// The bytes of a file that says what the place holds; nil where there is none of that name.
    func listFile(_ name: String) async throws -> [UInt8]?
}

extension VerifiedPlace {
    package var sharesContent: Bool { true }

    package func survey(named name: String?, digest: Digest?) async throws -> PlaceSurvey {
        PlaceSurvey(try await listing(named: name, digest: digest))
    }

    package func storedManifest(_ descriptor: Descriptor, in repository: String?) async throws -> Manifest {
        try await manifest(descriptor.withoutSize, in: repository)
    }

    package func storedBlob(_ descriptor: Descriptor, in repository: String?) async throws -> any ByteSource {
        try await blob(descriptor, in: repository)
    }

    package func serves(_ blob: Descriptor, in repository: String?) async throws -> Bool { true }
    package func stamp(of blob: Descriptor, in repository: String?) async throws -> String? { nil }
    package func listFile(_ name: String) async throws -> [UInt8]? { nil }
}

/// What a place holds by its own account.
package struct PlaceSurvey: Sendable {
    /// What a name or an entry leads to.
    package struct Root: Sendable {
        /// For people.
        package var name: String
        package var descriptor: Descriptor
        package var repository: String?
        /// Whether it is content that refers to nothing, whatever its bytes look like.
        package var isBlob = false

        package init(_ name: String, _ descriptor: Descriptor, repository: String?, isBlob: Bool = false) {
            self.name = name
            self.descriptor = descriptor
            self.repository = repository
            self.isBlob = isBlob
        }
    }

    package var roots: [Root] = []
    /// What is found without looking at images.
    package var findings: [Finding] = []
    /// Every blob that lies there, and its bytes; nil where that cannot be told.
    package var blobs: [Digest: Int64]?
    /// Those of the blobs that are linked under a digest of another algorithm.
    package var aliased: Set<Digest> = []
    /// What each repository may serve; nil where everything that is there is served.
    package var served: [String: ServedContent]?
    /// Whether there may be referrers that are no roots.
    package var hidesReferrers = false
    /// Whether others may change the place meanwhile, so that damage deserves a second look.
    package var isLive = false
    /// What reclaims orphans there.
    package var reclaim = "remove them"

    package init() {}

    /// Of a place that can tell no more than its images.
    package init(_ listing: SourceListing) {
        roots = listing.images.map { Root($0.title, $0.descriptor, repository: $0.repository) }
        findings = listing.broken.map { broken in
            Finding(
                .manifestDamaged, broken.title, "cannot be read: \(broken.error)",
                affected: [AffectedImage(broken.title)], advice: "put a sound copy in its place",
                remedy: broken.digest.map {
                    .manifest(Descriptor(untyped: $0), repository: broken.repository)
                })
        }
        findings += listing.notes.map {
            Finding(.peculiarity, $0, "so it is passed over", advice: "nothing has to be done")
        }
    }
}

/// What the links of a repository let it serve.
package struct ServedContent: Sendable {
    package var manifests: Set<Digest> = []
    package var blobs: Set<Digest> = []
    /// Links that do not say what they have to, and what is wrong with them.
    package var manifestFaults: [Digest: String] = [:]
    package var blobFaults: [Digest: String] = [:]

    package init() {}
}

extension Descriptor {
    var withoutSize: Descriptor { Descriptor(mediaType: mediaType, digest: digest, size: -1) }
}

package import ImageModel

/// One entry of a source: a manifest or index, and what it is called there.
package struct SourceImage: Hashable, Sendable {
    /// What the source knows about the name.
    package enum Name: Hashable, Sendable {
        /// A repository, with or without tag.
        case full(ImageName)
        /// Only a tag: a bare `org.opencontainers.image.ref.name`.
        case tag(String)
        case none

        package var tag: String? {
            switch self {
            case .full(let name): name.tag
            case .tag(let tag): tag
            case .none: nil
            }
        }
    }

    package var name: Name
    package var descriptor: Descriptor
    /// Where in the source it lies; nil where a source is a single repository.
    package var repository: String?
    /// The config's digest, where the source goes by that (docker-archive).
    package var imageID: Digest?
    /// The name that the source records, where it is not one that a registry could take.
    package var label: String?
    /// Whether dray has made its manifest, since the source has none.
    package var isMade = false
    /// The manifest that this one is about, where it has no name of its own: it belongs to that one's repository.
    package var subject: Digest?

    package init(
        name: Name, descriptor: Descriptor, repository: String? = nil, imageID: Digest? = nil, subject: Digest? = nil
    ) {
        self.name = name
        self.descriptor = descriptor
        self.repository = repository
        self.imageID = imageID
        self.subject = subject
    }

    /// Whether it is a signature, an attestation or the like, and not an image that a name could be meant for.
    package var isAttachment: Bool { subject != nil || tag.flatMap { ImageName.referredDigest(byTag: $0) } != nil }

    package var tag: String? { name.tag }

    /// The repository that its name tells, or that it lies in, with its host; nil if it has none of its own.
    var ownRepository: ImageName? {
        switch name {
        case .full(let name): ImageName(host: name.host, repository: name.repository)
        case .tag, .none: repository.map { ImageName(repository: $0) }
        }
    }

    /// The registry that its name tells.
    var host: String? {
        guard case .full(let name) = name else { return nil }
        return name.host
    }

    /// For messages and listings.
    package var title: String {
        switch name {
        case .full(let name): name.tag == nil ? "\(name)@\(descriptor.digest)" : name.description
        case .tag(let tag): tag
        case .none: (repository.map { "\($0)@" } ?? "") + (imageID ?? descriptor.digest).description
        }
    }
}

public import ImageModel

/// One entry of a source: a manifest or index, and what it is called there.
public struct SourceImage: Hashable, Sendable {
    /// What the source knows about the name.
    public enum Name: Hashable, Sendable {
        /// A repository, with or without tag.
        case full(ImageName)
        /// Only a tag: a bare `org.opencontainers.image.ref.name`.
        case tag(String)
        case none
    }

    public var name: Name
    public var descriptor: Descriptor
    /// Where in the source it lies; nil where a source is a single repository.
    public var repository: String?
    /// The config's digest, where the source goes by that (docker-archive).
    public var imageID: Digest?

    public init(name: Name, descriptor: Descriptor, repository: String? = nil, imageID: Digest? = nil) {
        self.name = name
        self.descriptor = descriptor
        self.repository = repository
        self.imageID = imageID
    }

    public var tag: String? {
        switch name {
        case .full(let name): name.tag
        case .tag(let tag): tag
        case .none: nil
        }
    }

    /// The registry that its name tells.
    var host: String? {
        guard case .full(let name) = name else { return nil }
        return name.host
    }

    /// For messages and listings.
    public var title: String {
        switch name {
        case .full(let name): name.tag == nil ? "\(name)@\(descriptor.digest)" : name.description
        case .tag(let tag): tag
        case .none: (repository.map { "\($0)@" } ?? "") + (imageID ?? descriptor.digest).description
        }
    }
}

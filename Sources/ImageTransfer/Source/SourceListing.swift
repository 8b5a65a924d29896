package import ImageModel

/// What a source holds, and what is wrong with it.
package struct SourceListing: Sendable {
    /// In the source's order.
    package var images: [SourceImage]
    /// What is there by name, but cannot be read.
    package var broken: [BrokenImage]
    /// What is passed over because it is no image, or has no name that counts.
    package var notes: [String]
    /// What has to be known about the source as a whole: that it is a delta, or one volume of several.
    package var remarks: [String] = []

    package init(images: [SourceImage] = [], broken: [BrokenImage] = [], notes: [String] = []) {
        self.images = images
        self.broken = broken
        self.notes = notes
    }

    /// What another part of the source holds.
    package mutating func add(_ other: SourceListing) {
        images += other.images
        broken += other.broken
        notes += other.notes
        remarks += other.remarks
    }

    /// - Throws: what is wrong if nothing can be read.
    package func readable() throws -> [SourceImage] {
        if images.isEmpty, let first = broken.first { throw first.error }
        return images
    }
}

/// An image that a source lists but cannot give, and why.
package struct BrokenImage: Sendable {
    package var name: SourceImage.Name
    package var repository: String?
    /// nil where not even that can be read.
    package var digest: Digest?
    package var error: any Error

    /// - Returns: nil if the error is not about this image: a disk that cannot be read, a cancelled task.
    package init?(name: SourceImage.Name, repository: String? = nil, digest: Digest? = nil, error: any Error) {
        guard let error = error as? ImageError else { return nil }
        switch error.code {
        // It is listed, so its absence is damage.
        case .notFound: self.error = ImageError.damaged(error.description)
        case .damaged, .limit, .invalidDocument, .foreign, .otherPlatform, .refused: self.error = error
        case .unauthorised, .usage, .service, .system: return nil
        }
        self.name = name
        self.repository = repository
        self.digest = digest
    }

    /// For messages.
    package var title: String {
        switch name {
        case .full(let name) where name.tag == nil: "\(name)" + (digest.map { "@\($0)" } ?? "")
        case .full(let name): name.description
        case .tag(let tag): tag
        case .none: digest?.description ?? "an image without a name"
        }
    }
}

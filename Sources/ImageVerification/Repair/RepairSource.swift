package import ImageModel

/// Where what is missing is fetched from.
package struct RepairSource: Sendable {
    package var place: any VerifiedPlace
    /// As in a reference: the image or the repository that is meant.
    package var name: String?
    package var digest: Digest?

    package init(_ place: any VerifiedPlace, name: String? = nil, digest: Digest? = nil) {
        self.place = place
        self.name = name
        self.digest = digest
    }

    /// Repositories of it that may have what one of the mended place has: its namesake first.
    func repositories(for own: String?) -> [String?] {
        let named = name.flatMap { ImageName(withoutHost: $0)?.repository }
        var all: [String?] = []
        for candidate in [named, own] where candidate?.isEmpty == false && !all.contains(candidate) {
            all.append(candidate)
        }
        return all + [nil]
    }
}

public import ImageModel

extension ImageSource {
    public func images(named name: String?, digest: Digest?) async throws -> [SourceImage] {
        var found = try await images()
        if let name {
            let all = found
            found = Self.matches(all, name)
            if found.isEmpty { throw missing(name, among: all) }
        }
        guard let digest else { return found }
        let exact = found.filter { $0.descriptor.digest == digest || $0.imageID == digest }
        if let first = exact.first { return [first] }
        // A child of an index is no entry of its own everywhere.
        for repository in Set(found.map(\.repository)).sorted(by: { ($0 ?? "") < ($1 ?? "") }) {
            let descriptor = Descriptor(mediaType: MediaType(""), digest: digest, size: -1)
            guard let manifest = try? await manifest(descriptor, in: repository) else { continue }
            return [SourceImage(name: .none, descriptor: manifest.descriptor, repository: repository)]
        }
        throw TransferError.notFound("\(title) has no image \(digest)")
    }

    public func image(named name: String?, digest: Digest?) async throws -> SourceImage {
        try Self.only(try await images(named: name, digest: digest), of: title)
    }

    public func images(in repository: String?, tagged isWanted: @Sendable @escaping (String) -> Bool) async throws
        -> [SourceImage]
    {
        try await images().filter { $0.repository == repository && $0.tag.map(isWanted) == true }
    }

    /// The one of several images that is meant when nobody says which.
    package static func only(_ found: [SourceImage], of title: String) throws -> SourceImage {
        if found.count == 1 { return found[0] }
        if Set(found.map(\.descriptor.digest)).count == 1, let first = found.first { return first }
        let latest = found.filter { $0.tag == "latest" }
        if latest.count == 1 { return latest[0] }
        guard !found.isEmpty else { throw TransferError.notFound("\(title) holds no image") }
        throw TransferError.notFound(
            "\(title) holds \(found.count) images and none of them alone is 'latest': name one of "
                + Self.list(found))
    }

    private static func matches(_ images: [SourceImage], _ name: String) -> [SourceImage] {
        let wanted = ImageName(name)?.familiar
        let rules: [(SourceImage) -> Bool] = [
            { image in
                switch image.name {
                case .full(let full): full.description == name || full.familiar == wanted
                case .tag(let tag): tag == name
                case .none: false
                }
            },
            { image in
                if case .full(let full) = image.name {
                    full.path == name || full.repository == name
                } else {
                    image.repository == name
                }
            },
            { image in if case .full(let full) = image.name { full.tag == name } else { false } },
        ]
        for rule in rules {
            let found = images.filter(rule)
            if !found.isEmpty { return found }
        }
        return []
    }

    private func missing(_ name: String, among images: [SourceImage]) -> TransferError {
        .notFound("\(title) has no image '\(name)'" + (images.isEmpty ? "" : "; it has \(Self.list(images))"))
    }

    private static func list(_ images: [SourceImage]) -> String {
        let titles = images.prefix(8).map(\.title)
        return titles.joined(separator: ", ") + (images.count > 8 ? " and \(images.count - 8) more" : "")
    }
}

/// The kind of a manifest, which its own members tell.
package enum ManifestKind: Hashable, Sendable {
    case image
    case index
    /// The short-lived artifact manifest of the OCI 1.1 release candidates.
    case artifact
    case schema1

    /// The name in messages, with its article.
    package var title: String {
        switch self {
        case .image: "an image manifest"
        case .index: "an image index"
        case .artifact: "an artifact manifest"
        case .schema1: "a schema1 manifest"
        }
    }

    /// The kind of a document. This is the only place that decides it: media types, file names and headers are claims,
    /// which are compared with it.
    ///
    /// - Parameters:
    ///   - members: those that the document has.
    ///   - mediaType: the document's own.
    ///   - name: of the document, for messages.
    /// - Returns: nil if the document shows no kind.
    /// - Throws: `ImageError` if readers may take it for two different kinds.
    package init?(of members: ManifestMembers, mediaType: MediaType?, name: @autoclosure () -> String)
        throws(ImageError)
    {
        let kinds = members.kinds
        guard kinds.count < 2 else {
            let found = kinds.map { "\($0.title) (\($0.members.intersection(members)))" }.joined(separator: " and ")
            throw ImageError.invalidDocument("\(name()) is ambiguous: it has the members of \(found)")
        }
        let claimed = mediaType?.manifestKind
        guard let kind = kinds.first ?? claimed else { return nil }
        if let claimed, claimed != kind {
            throw ImageError.invalidDocument(
                "\(name()) contradicts itself: its mediaType is that of \(claimed.title), its members "
                    + "(\(members)) are those of \(kind.title)")
        }
        self = kind
    }

    /// Compares a claim from outside with what the document is. A media type of no manifest claims nothing.
    ///
    /// - Throws: `ImageError` if it is one of another kind.
    package func check(claim: MediaType, name: @autoclosure () -> String) throws(ImageError) {
        guard let claimed = claim.manifestKind, claimed != self else { return }
        throw ImageError.invalidDocument("\(name()) is listed as \(claimed.title), but its content is \(title)")
    }

    /// The members that only this kind has.
    fileprivate var members: ManifestMembers {
        switch self {
        case .image: [.config, .layers]
        case .index: .manifests
        case .artifact: .blobs
        case .schema1: .fsLayers
        }
    }
}

/// Those members of a document that show which kind of manifest it is. `null` is no member.
package struct ManifestMembers: OptionSet, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let config = ManifestMembers(rawValue: 1)
    package static let layers = ManifestMembers(rawValue: 2)
    package static let manifests = ManifestMembers(rawValue: 4)
    package static let blobs = ManifestMembers(rawValue: 8)
    package static let fsLayers = ManifestMembers(rawValue: 16)

    private static let names: [(ManifestMembers, String)] = [
        (.config, "config"), (.layers, "layers"), (.manifests, "manifests"), (.blobs, "blobs"),
        (.fsLayers, "fsLayers"),
    ]
    private static let folded = names.map { ($0.0, MemberNames.fold($0.1)) }

    /// - Parameter name: as `MemberNames.fold` returns it; for a name that is not listed here, the set is empty.
    package init(folded name: String) {
        self = Self.folded.first { $0.1 == name }?.0 ?? []
    }

    fileprivate var kinds: [ManifestKind] {
        [ManifestKind.image, .index, .artifact, .schema1].filter { !$0.members.isDisjoint(with: self) }
    }

    package var description: String { Self.names.filter { contains($0.0) }.map { "'\($0.1)'" }.joined(separator: ", ") }
}

/// What shows the kind of a manifest, of a document that may be any.
package struct ManifestProbe: Decodable {
    var mediaType: MediaType?
    var members: ManifestMembers = []
    var hasSignatures = false

    enum CodingKeys: String, CodingKey {
        case mediaType, config, layers, manifests, blobs, fsLayers, signatures
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        mediaType = try? container.decodeIfPresent(MediaType.self, forKey: .mediaType)
        for key in container.allKeys where try !container.decodeNil(forKey: key) {
            members.formUnion(ManifestMembers(folded: MemberNames.fold(key.rawValue)))
        }
        hasSignatures = container.contains(.signatures)
    }

    /// - Returns: nil if the document shows no kind.
    /// - Throws: `ImageError` if readers may take it for two different kinds.
    package func kind(_ name: @autoclosure () -> String) throws(ImageError) -> ManifestKind? {
        try ManifestKind(of: members, mediaType: mediaType, name: name())
    }
}

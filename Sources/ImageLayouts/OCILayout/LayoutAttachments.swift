import ImageModel
import ImageTransfer

/// Signatures, attestations and SBOMs that a layout of cosign or hauler lists beside their images, told apart by the
/// annotation `kind`. In a registry they have tags made from the image's digest: `sha256-<hex>.sig`.
///
/// Source: cosign, pkg/oci/layout; hauler, pkg/consts.
struct LayoutAttachments {
    private static let suffixes = ["sigs": "sig", "atts": "att", "sboms": "sbom"]

    private var names: [LayoutEntry: SourceImage.Name] = [:]

    /// - Parameter document: reads a blob that is a JSON object; nil if it is not there, or is something else.
    init(_ entries: [LayoutEntry], document: @escaping (Digest) -> [String: JSONValue]?) {
        let attachments = entries.filter { Self.suffix(of: $0) != nil }
        guard !attachments.isEmpty else { return }
        var images: [SourceImage.Name: Set<Digest>] = [:]
        for entry in entries where Self.suffix(of: entry) == nil {
            images[entry.name, default: []].insert(entry.descriptor.digest)
        }
        var subjects = Subjects(document: document)
        for entry in attachments {
            let candidates = images[entry.name] ?? []
            let subject =
                candidates.count == 1 ? candidates.first : subjects.subject(of: entry.descriptor.digest)
            guard let subject, let suffix = Self.suffix(of: entry) else { continue }
            let tag = "\(ImageName.referrersTag(of: subject)).\(suffix)"
            if case .full(let name) = entry.name {
                names[entry] = .full(ImageName(host: name.host, repository: name.repository, tag: tag))
            } else {
                names[entry] = .tag(tag)
            }
        }
    }

    /// What an entry is called; nil if it is not an attachment, or it cannot be told of what.
    func name(of entry: LayoutEntry) -> SourceImage.Name? { names[entry] }

    private static func suffix(of entry: LayoutEntry) -> String? {
        guard let kind = entry.kind, let slash = kind.lastIndex(of: "/") else { return nil }
        return suffixes[String(kind[kind.index(after: slash)...])]
    }

    /// Returns the images that attachments are about. Each document is read once, however many entries name it.
    private struct Subjects {
        let document: (Digest) -> [String: JSONValue]?
        private var layers: [Digest: Digest?] = [:]
        private var named: [Digest: Digest?] = [:]

        init(document: @escaping (Digest) -> [String: JSONValue]?) { self.document = document }

        /// The image that the first layer of an attachment names.
        mutating func subject(of attachment: Digest) -> Digest? {
            let layer = layers[attachment] ?? firstLayer(of: attachment)
            layers.updateValue(layer, forKey: attachment)
            guard let layer else { return nil }
            let subject = named[layer] ?? document(layer).flatMap { LayoutAttachments.subject(in: $0) }
            named.updateValue(subject, forKey: layer)
            return subject
        }

        private func firstLayer(of attachment: Digest) -> Digest? {
            guard case .array(let layers)? = document(attachment)?["layers"] else { return nil }
            return layers.first?.object?["digest"]?.string.flatMap { Digest($0) }
        }
    }

    /// The image that the payload of a signature names, or the statement in the envelope of an attestation.
    private static func subject(in content: [String: JSONValue]) -> Digest? {
        if let signed = content["critical"]?.object?["image"]?.object?["docker-manifest-digest"]?.string {
            return Digest(signed)
        }
        guard let payload = content["payload"]?.string.flatMap({ Base64.decode($0) }),
            let statement = try? Document.object(from: payload, name: "the statement"),
            case .array(let subjects)? = statement["subject"],
            let hex = subjects.first?.object?["digest"]?.object?["sha256"]?.string
        else { return nil }
        return Digest(.sha256, hex: hex)
    }
}

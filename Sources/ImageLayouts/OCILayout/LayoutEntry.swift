package import ImageModel
package import ImageTransfer

/// An entry of `index.json`, as far as dray looks at it: a layout may have very many.
package struct LayoutEntry: Hashable, Sendable {
    /// With its platform, and without annotations.
    package let descriptor: Descriptor
    package let name: SourceImage.Name
    /// Whether the entry says which part of its name is the host.
    let isExact: Bool
    /// What the entry is, in layouts of cosign and hauler.
    let kind: String?
    let isAttestation: Bool
    /// The name that is recorded, where it is not one that a registry could take.
    let label: String?
    /// What is odd about the name; nil if nothing is.
    let remark: String?

    /// - Parameter previous: the entry before, whose repository this one often shares.
    init(_ entry: Descriptor, after previous: LayoutEntry? = nil) {
        var descriptor = entry.plain
        descriptor.platform = entry.platform
        self.descriptor = descriptor
        let annotations = entry.annotations
        let name = LayoutNaming.name(in: annotations).sharing(previous?.name)
        self.name = name
        isExact = annotations?[OCIPaths.host] != nil
        kind = annotations?[OCIPaths.kind]
        isAttestation = entry.isAttestation
        label = name == .none ? annotations?[OCIPaths.refName] : nil
        remark = Self.remark(on: entry, name)
    }

    private static func remark(on entry: Descriptor, _ name: SourceImage.Name) -> String? {
        for key in [OCIPaths.refName, OCIPaths.imageName] {
            guard let text = entry.annotations?[key], !text.isEmpty else { continue }
            let digest = text.firstIndex(of: "@").flatMap { Digest(text[text.index(after: $0)...]) }
            if let digest, digest != entry.digest {
                return "'\(text.prefix(300))' names another digest than its content's, \(entry.digest)"
            }
            if name == .none, digest == nil, Digest(text) == nil {
                return "'\(text.prefix(300))' is not a valid image name; \(entry.digest) has to be named by its digest"
            }
        }
        return nil
    }
}

extension SourceImage.Name {
    /// The same name, with the texts of another where they are equal, so that they are in memory once.
    fileprivate func sharing(_ other: Self?) -> Self {
        guard case .full(var name) = self, case .full(let known)? = other else { return self }
        if name.repository == known.repository { name.repository = known.repository }
        if name.host == known.host { name.host = known.host }
        return .full(name)
    }
}

package import ImageModel
package import ImageTransfer

/// A manifest, and the name that a list gives it.
package struct NamedDescriptor: Hashable, Sendable {
    /// Type, digest and size alone.
    package let descriptor: Descriptor
    package let name: ImageName

    package init(_ descriptor: Descriptor, _ name: ImageName) {
        self.descriptor = descriptor.plain
        self.name = name
    }
}

/// How images are named in an index of entries.
package struct LayoutNaming {
    /// Only a tag was asked for: that is the whole name.
    let usesBareTags: Bool

    package init(usesBareTags: Bool) { self.usesBareTags = usesBareTags }

    package init(requestedName: String?) {
        self.init(usesBareTags: requestedName.map { !$0.contains("/") && !$0.contains(":") } ?? false)
    }

    /// The entry of an index: an image without a tag is named by its repository and digest.
    package func entry(_ descriptor: Descriptor, as name: ImageName) -> Descriptor {
        var entry = descriptor.plain
        if usesBareTags {
            entry.annotations = name.tag.map { [OCIPaths.refName: $0] }
        } else {
            entry.annotations = Self.annotations(name, descriptor.digest.description)
        }
        return entry
    }

    /// - Parameter digest: of the image, as text.
    static func annotations(_ name: ImageName, _ digest: String) -> [String: String] {
        let suffix = name.tag == nil ? "@\(digest)" : ""
        return [
            OCIPaths.refName: name.description + suffix, OCIPaths.imageName: name.canonical + suffix,
            OCIPaths.host: name.host ?? "",
        ]
    }

    /// What annotations of an entry call it.
    static func name(in annotations: [String: String]?) -> SourceImage.Name {
        guard let annotations else { return .none }
        let host = annotations[OCIPaths.host]
        let own = annotations[OCIPaths.refName].map {
            SourceImage.Name(recorded: $0, host: host, bareWordIsTag: host == nil)
        }
        let full = annotations[OCIPaths.imageName].map { SourceImage.Name(recorded: $0, bareWordIsTag: false) }
        switch (own, full) {
        // A repository in both: the layout's own name counts, unless it is the lesser one.
        case (.full(let own), .full(let full)) where own.tag == nil && full.tag != nil: return .full(full)
        case (.full(let own), _): return .full(own)
        case (.tag(let tag), .full(var full)):
            full.tag = full.tag ?? tag
            return .full(full)
        case (_, .full(let full)): return .full(full)
        case (let own, _): return own ?? .none
        }
    }
}

/// Names in a layout, and what they mean. What other tools wrote is the same name in any of its forms: `a:1` is
/// `docker.io/library/a:1`.
package struct LayoutNames {
    private var exact: [SourceImage.Name: Digest?] = [:]
    /// By the canonical form: of all names, and of those whose exact form is not known.
    private var canonical: [String: Digest?] = [:]
    private var inexact: [String: Digest?] = [:]

    /// - Parameter isExact: whether it is known which part of the name is the host.
    mutating func add(_ name: SourceImage.Name, isExact: Bool, _ digest: Digest?) {
        exact.updateValue(digest, forKey: name)
        guard let form = Self.form(name) else { return }
        canonical.updateValue(digest, forKey: form)
        if !isExact { inexact.updateValue(digest, forKey: form) }
    }

    /// - Parameter isExact: likewise.
    func contains(_ name: SourceImage.Name, isExact: Bool) -> Bool {
        exact[name] != nil || !isExact && Self.form(name).map { canonical[$0] != nil } == true
    }

    /// What a name means that is known exactly; nil if nothing.
    package subscript(_ name: SourceImage.Name) -> Digest? {
        exact[name] ?? Self.form(name).flatMap { inexact[$0] } ?? nil
    }

    private static func form(_ name: SourceImage.Name) -> String? {
        if case .full(let full) = name { full.canonical } else { nil }
    }
}

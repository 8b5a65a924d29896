package import ImageModel
package import ImageTransfer

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

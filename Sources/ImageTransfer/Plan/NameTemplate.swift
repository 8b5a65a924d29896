package import ImageModel

/// A name that is made from an image's own: `mirror/{registry}/{repository}:{tag}`.
///
/// `{registry}` is the host (a port's `:` becomes `-`), `{repository}` all of the repository, `{name}` its last
/// component, `{tag}` the tag. A template without a tag leaves it as it is.
package struct NameTemplate: Hashable, Sendable, CustomStringConvertible {
    package enum Field: String, Sendable, CaseIterable {
        case registry
        case repository
        case name
        case tag
    }

    private enum Part: Hashable, Sendable {
        case text(String)
        case field(Field)
    }

    /// As it was written.
    package let description: String
    private var parts: [Part] = []

    /// - Throws: `ImageError` for a field that there is not, and for what can never become a name.
    package init(_ text: String) throws(ImageError) {
        description = text
        var rest = text[...]
        while let open = rest.firstIndex(of: "{") {
            parts.append(.text(String(rest[..<open])))
            guard let close = rest[open...].firstIndex(of: "}") else {
                throw ImageError.usage("'\(text)': a '{' is not closed")
            }
            let name = rest[rest.index(after: open)..<close]
            guard let field = Field(rawValue: String(name)) else {
                throw ImageError.usage(
                    "'\(text)': there is no {\(name)}: write one of "
                        + Field.allCases.map { "{\($0.rawValue)}" }.joined(separator: ", "))
            }
            parts.append(.field(field))
            rest = rest[rest.index(after: close)...]
        }
        parts.append(.text(String(rest)))
        let example = ImageName(host: "registry.example", repository: "team/app", tag: "1.0")
        _ = try name(of: example, registry: example.host)
    }

    /// - Parameter registry: the host that the image comes from; nil if it comes from none.
    /// - Throws: `ImageError` if what comes out is no name.
    package func name(of image: ImageName, registry: String?) throws(ImageError) -> ImageName {
        var text = ""
        var hasTag = false
        for part in parts {
            switch part {
            case .text(let own): text += own
            case .field(.repository): text += image.repository
            case .field(.name): text += image.repository.split(separator: "/").last ?? ""
            case .field(.registry):
                guard let registry else {
                    throw ImageError.usage("'\(description)' asks for {registry}, and \(image) comes from none")
                }
                text += registry.lowercased().replacing(":", with: "-")
            case .field(.tag):
                hasTag = true
                text += image.tag ?? ""
            }
        }
        // What goes by its digest has no tag to put there.
        if hasTag, image.tag == nil, let colon = text.lastIndex(of: ":") { text = String(text[..<colon]) }
        guard var name = ImageName(withoutHost: text) else {
            throw ImageError.usage(
                "'\(description)' makes '\(text)' of \(image), which is no REPOSITORY[:TAG] in lower case")
        }
        name.host = image.host
        if name.tag == nil, !hasTag { name.tag = image.tag }
        return name
    }
}

import ImageModel

extension SourceImage.Name {
    /// Reads a name as tools record it in archives and layouts: `[HOST/]REPOSITORY[:TAG][@DIGEST]` or `TAG[@DIGEST]`. This
    /// is the only reader of such names.
    ///
    /// - Parameters:
    ///   - host: the registry's, where the archive says which part of the name is one; empty if it says that none is.
    ///     nil: a first component with a dot or a port, or `localhost`, is a host.
    ///   - bareWordIsTag: whether a word without `/` and `:` is a tag, and not a repository.
    package init(recorded text: String, host: String? = nil, bareWordIsTag: Bool) {
        // A digest alone names no repository, and SIF's layouts mark the tags of attachments.
        guard Digest(text) == nil else {
            self = .none
            return
        }
        if bareWordIsTag, text.hasPrefix(Self.attachmentPrefix) {
            let tag = text.dropFirst(Self.attachmentPrefix.count)
            self = ImageName.isTag(tag) ? .tag(String(tag)) : .none
            return
        }
        var rest = text[...]
        if let at = text.firstIndex(of: "@") {
            guard Digest(text[text.index(after: at)...]) != nil else {
                self = .none
                return
            }
            rest = text[..<at]
        }
        if bareWordIsTag, !rest.contains("/"), !rest.contains(":") {
            self = ImageName.isTag(rest) ? .tag(String(rest)) : .none
            return
        }
        self = Self.name(rest, host).map { .full($0) } ?? .none
    }

    /// Source: sylabs/oci-tools, pkg/sif.
    private static let attachmentPrefix = "_cosign:"

    private static func name(_ text: Substring, _ host: String?) -> ImageName? {
        guard let host else { return ImageName(text) }
        guard !host.isEmpty else { return ImageName(withoutHost: text) }
        guard text.hasPrefix(host + "/"), var name = ImageName(withoutHost: text.dropFirst(host.count + 1)) else {
            return ImageName(text)
        }
        name.host = host
        return name
    }
}

import ImageModel

/// How images are named in an index of entries.
struct LayoutNaming {
    /// Only a tag was asked for: that is the whole name.
    let usesBareTags: Bool

    init(usesBareTags: Bool) { self.usesBareTags = usesBareTags }

    init(requestedName: String?) {
        self.init(usesBareTags: requestedName.map { !$0.contains("/") && !$0.contains(":") } ?? false)
    }

    /// nil for what goes by digest.
    func text(of name: ImageName) -> String? {
        name.tag.map { usesBareTags ? $0 : "\(name)" }
    }

    /// The entry of an index.
    func entry(_ descriptor: Descriptor, as name: ImageName) -> Descriptor {
        var entry = Descriptor(mediaType: descriptor.mediaType, digest: descriptor.digest, size: descriptor.size)
        guard let text = text(of: name) else { return entry }
        entry.annotations = [OCIPaths.refName: text]
        if !usesBareTags { entry.annotations?[OCIPaths.imageName] = text }
        return entry
    }

    /// What different spellings of one name have in common: `docker.io/library/a:1` is `a:1`.
    static func key(_ text: String) -> String {
        guard let name = ImageName(text), name.tag != nil else { return text }
        return name.familiar.description
    }
}

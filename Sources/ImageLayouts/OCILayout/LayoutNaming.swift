import ImageModel
import ImageTransfer

/// How images are named in an index of entries.
struct LayoutNaming {
    /// Only a tag was asked for: that is the whole name.
    let usesBareTags: Bool

    init(usesBareTags: Bool) { self.usesBareTags = usesBareTags }

    init(requestedName: String?) {
        self.init(usesBareTags: requestedName.map { !$0.contains("/") && !$0.contains(":") } ?? false)
    }

    /// The entry of an index: an image without a tag is named by its repository and digest.
    func entry(_ descriptor: Descriptor, as name: ImageName) -> Descriptor {
        var entry = Descriptor(mediaType: descriptor.mediaType, digest: descriptor.digest, size: descriptor.size)
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

extension Descriptor {
    /// What is odd about the name of an entry of `index.json`; nil if nothing is.
    var nameRemark: String? {
        for key in [OCIPaths.refName, OCIPaths.imageName] {
            guard let text = annotations?[key], !text.isEmpty else { continue }
            let digest = text.firstIndex(of: "@").flatMap { Digest(text[text.index(after: $0)...]) }
            if let digest, digest != self.digest {
                return "'\(text.prefix(300))' names another digest than its content's, \(self.digest)"
            }
            if layoutName == .none, digest == nil, Digest(text) == nil {
                return "'\(text.prefix(300))' is not a valid image name; \(self.digest) has to be named by its digest"
            }
        }
        return nil
    }

    /// What an entry of `index.json` is called.
    var layoutName: SourceImage.Name { LayoutNaming.name(in: annotations) }
}

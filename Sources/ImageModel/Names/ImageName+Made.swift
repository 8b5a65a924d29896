extension ImageName {
    /// A repository name made from a file's or directory's name: without its archive endings, in lower
    /// case, and with `-` for what the grammar does not allow.
    package static func repository(fromFile path: String) -> String {
        var base = path.split(separator: "/").last.map(String.init) ?? ""
        base = base.lowercased()
        for ending in [".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.xz", ".tar.bz2"] where base.hasSuffix(ending) {
            base.removeLast(ending.count)
            break
        }
        let kept = base.utf8.map { byte -> UInt8 in
            (48...57).contains(byte) || (97...122).contains(byte) || byte == 46 || byte == 95 ? byte : 45
        }
        // Separators may neither lead, end, nor mix: words joined by one hyphen always fit.
        var name = String(decoding: kept, as: UTF8.self)
        if !isRepository(name) {
            name = name.split(whereSeparator: { "._-".contains($0) }).joined(separator: "-")
        }
        if name.isEmpty { return "image" }
        // What is cut may not end in a separator either.
        return String(String(name.prefix(255)).reversed().drop { "._-".contains($0) }.reversed())
    }

    /// The tag of an image that has none beside others: `untagged-` and the start of its ID.
    package static func untagged(_ id: Digest) -> String { "untagged-\(id.short)" }

    /// The tag under which registries without a referrers API keep the referrers of `digest`.
    /// Source: OCI distribution-spec, "Referrers Tag Schema".
    package static func referrersTag(of digest: Digest) -> String {
        "\(digest.algorithm.rawValue)-\(digest.hex.prefix(64))"
    }

    /// Whether `tag` is the fallback tag of `digest`, or one that cosign keeps its signature, attestation
    /// or SBOM under.
    package static func tag(_ tag: String, refersTo digest: Digest) -> Bool {
        let base = referrersTag(of: digest)
        return tag.hasPrefix(base) && ["", ".sig", ".att", ".sbom"].contains(tag.dropFirst(base.count))
    }

    /// The digest that a fallback or cosign tag belongs to, as its text; nil for other tags.
    package static func referredDigest(byTag tag: String) -> String? {
        let base = tag.split(separator: ".", maxSplits: 1).first.map(String.init) ?? tag
        let suffix = tag.dropFirst(base.count)
        guard ["", ".sig", ".att", ".sbom"].contains(suffix), let dash = base.firstIndex(of: "-"),
            let algorithm = Digest.Algorithm(rawValue: String(base[..<dash]))
        else { return nil }
        let hex = base[base.index(after: dash)...]
        guard hex.utf8.count == min(64, algorithm.hexLength),
            hex.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) })
        else { return nil }
        return base
    }
}

extension ImageName {
    /// The name as Docker shows it: `docker.io/library/a:1` is `a:1`, and `docker.io/b/c` is `b/c`. For people and for
    /// RepoTags only; a repository's path is never shortened on the way to a registry.
    package var familiar: ImageName {
        guard let host, ["docker.io", "index.docker.io"].contains(host) else { return self }
        let parts = repository.split(separator: "/")
        let isOfficial = parts.count == 2 && parts[0] == "library"
        let short = ImageName(repository: isOfficial ? String(parts[1]) : repository, tag: tag)
        // Without its host, `docker.io/a.b/c` would be on another one.
        return ImageName(short.description) == short ? short : self
    }

    /// The name as containerd and Kubernetes spell it: `a:1` is `docker.io/library/a:1`.
    ///
    /// Source: github.com/distribution/reference, `ParseNormalizedNamed`.
    package var canonical: String {
        guard let name = ImageName(description) else { return description }
        let isHub = ["docker.io", "index.docker.io", nil].contains(name.host)
        guard isHub else { return name.description }
        return "docker.io/" + (name.repository.contains("/") ? "" : "library/") + name.path
    }
}

import ImageModel

/// Where things are in a registry's storage. Source: distribution, registry/storage/paths.go.
///
/// ```
/// docker/registry/v2/
///   blobs/<alg>/<hh>/<hex>/data                                  every blob and manifest, once
///   repositories/<name>/
///     _layers/<alg>/<hex>/link                                   a blob that the repository may serve
///     _manifests/revisions/<alg>/<hex>/link                      a manifest that it may serve
///     _manifests/tags/<tag>/current/link                         what the tag means
///     _manifests/tags/<tag>/index/<alg>/<hex>/link               what it ever meant
///     _uploads/<uuid>/                                           the registry's own work
/// .dray/staging/                                                 while dray writes: files without names yet
/// .dray/lock/                                                    what writers and the garbage collection agree by
/// .dray/released                                                 deletes that the garbage collection follows: see `ReleaseList`
/// .dray/quarantine/                                              what was deleted or replaced: see `StoreQuarantine`
/// .dray/layers                                                   see LayerMemory; may be removed
/// ```
/// A link holds the digest's text and nothing else, and what it says counts more than its path.
struct StorePaths {
    /// Of the `v2` directory, relative to the tree; empty or without a slash at its end.
    let root: String

    static let standard = StorePaths(root: "docker/registry/v2")

    var repositories: String { "\(root)/repositories" }

    /// Of the blobs, which lie under their SHA-256.
    var blobs: String { "\(root)/blobs/sha256" }

    /// Whether the link of a digest may say that: everything is filed under SHA-256, and linked to that.
    static func mayLink(_ digest: Digest, to content: Digest) -> Bool {
        digest.algorithm == .sha256 ? content == digest : content.algorithm == .sha256
    }

    func blob(_ digest: Digest) -> String {
        "\(root)/blobs/\(digest.algorithm.rawValue)/\(digest.hex.prefix(2))/\(digest.hex)/data"
    }

    func layers(_ repository: String, _ algorithm: Digest.Algorithm) -> String {
        "\(repositories)/\(repository)/_layers/\(algorithm.rawValue)"
    }

    func layerLink(_ digest: Digest, _ repository: String) -> String {
        "\(layers(repository, digest.algorithm))/\(digest.hex)/link"
    }

    func revisions(_ repository: String, _ algorithm: Digest.Algorithm) -> String {
        "\(repositories)/\(repository)/_manifests/revisions/\(algorithm.rawValue)"
    }

    func revisionLink(_ digest: Digest, _ repository: String) -> String {
        "\(revisions(repository, digest.algorithm))/\(digest.hex)/link"
    }

    func uploads(_ repository: String) -> String { "\(repositories)/\(repository)/_uploads" }
    func upload(_ id: String, _ repository: String) -> String { "\(uploads(repository))/\(id)" }

    func tags(_ repository: String) -> String { "\(repositories)/\(repository)/_manifests/tags" }
    func tag(_ tag: String, _ repository: String) -> String { "\(tags(repository))/\(tag)" }
    func currentLink(_ tag: String, _ repository: String) -> String { "\(self.tag(tag, repository))/current/link" }
    func tagIndexLink(_ digest: Digest, _ tag: String, _ repository: String) -> String {
        "\(self.tag(tag, repository))/index/\(digest.algorithm.rawValue)/\(digest.hex)/link"
    }
}

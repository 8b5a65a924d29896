import ByteStreams
import FileTrees
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
package struct StorePaths {
    /// Of the `v2` directory, relative to the tree; empty or without a slash at its end.
    let root: String

    static let standard = StorePaths(root: ImageForm.storeRoot)

    var repositories: String { "\(root)/repositories" }

    /// Of the blobs, which lie under their SHA-256.
    var blobs: String { "\(root)/blobs/sha256" }

    /// Whether the link of a digest may say that: everything is filed under SHA-256, and linked to that.
    static func mayLink(_ digest: Digest, to content: Digest) -> Bool {
        digest.algorithm == .sha256 ? content == digest : content.algorithm == .sha256
    }

    /// Whether a store keeps files of its own at such a path: blobs, and the links of repositories.
    ///
    /// - Parameter path: relative to the tree.
    func isStoreFile(_ path: String) -> Bool {
        guard let rest = ByteStreams.path(path, below: root) else { return false }
        let names = components(of: rest).map(String.init)
        func isDigest(_ names: ArraySlice<String>) -> Bool {
            guard names.count == 2, let algorithm = names.first.flatMap(Digest.Algorithm.init(rawValue:)),
                let hex = names.last
            else { return false }
            return Digest(algorithm, hex: hex) != nil
        }
        if names.first == "blobs" {
            return names.count == 5 && isDigest([names[1], names[3]]) && names[2] == names[3].prefix(2)
                && names[4] == "data"
        }
        guard names.first == "repositories", names.last == "link",
            let start = names.firstIndex(where: { $0.hasPrefix("_") }), start > 1
        else { return false }
        let place = names[(start + 1)..<(names.count - 1)]
        switch (names[start], place.first) {
        case ("_layers", _): return isDigest(place)
        case ("_manifests", "revisions"):
            // Signatures of schema1.
            let signature = place.dropFirst(3)
            return isDigest(place.dropFirst().prefix(2))
                && (signature.isEmpty || signature.first == "signatures" && isDigest(signature.dropFirst()))
        case ("_manifests", "tags"):
            let kind = place.dropFirst(2)
            return kind == ["current"] || kind.first == "index" && isDigest(kind.dropFirst())
        default: return false
        }
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

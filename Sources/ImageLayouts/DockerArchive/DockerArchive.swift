package import ByteStreams
package import FileTrees
package import ImageModel
package import ImageTransfer
import ImageVerification
import Synchronization

/// What `docker save` wrote, of any age, and what podman, containerd and buildkit export in its form.
///
/// ```
/// before 1.10   repositories                        {"name":{"tag":"<id of the top layer>"}}
///               <id>/json  <id>/layer.tar  <id>/VERSION
/// 1.10 to 24    the same, and:
///               manifest.json                       [{"Config":"<hex>.json","RepoTags":[…],"Layers":["<id>/layer.tar",…]}]
///               <hex>.json                          configs
/// from 25 on    manifest.json with Config and Layers in blobs/sha256/, and an OCI layout beside it
/// ```
/// Where there is an OCI part it gives manifests and their digests; the docker part gives names, and
/// images that the OCI part forgot. They are joined by the config's digest. An image that has no manifest
/// gets one here: schema2, over the layers as they lie.
package final class DockerArchive: StreamedSource, HoldsRawLayers {
    private let tree: any FileTree
    private let limit: InflationLimit
    private let oci: OCISource
    private let parsed = Mutex<Contents?>(nil)

    /// - Parameter path: the archive, or a directory with its content; `-` for standard input.
    /// - Throws: `ImageError.io` if it is not there.
    package convenience init(path: String, _ trees: TreeOpener = TreeOpener(.ofImages())) throws {
        self.init(try trees.open(path), limit: trees.options.inflation)
    }

    init(_ tree: any FileTree, limit: InflationLimit) {
        self.tree = tree
        self.limit = limit
        oci = OCISource(tree)
    }

    package var title: String { tree.title }
    package func reference(in repository: String?) -> ImageReference? {
        ImageReference(transport: .dockerArchive, location: tree.path)
    }
    package var madeUpRepository: String { oci.madeUpRepository }

    package var order: SourceAccess { tree.access }

    package func drain(_ accept: (StreamedBlob) throws -> Digest) throws {
        try (tree as? StreamedTree)?.drain(accept)
    }

    private func contents() async throws -> Contents {
        try await Workers.blobs.run { [self] in
            try parsed.withLock { parsed in
                if let parsed { return parsed }
                let contents = try DockerArchiveParser(tree: tree, oci: oci, limit: limit).parse()
                parsed = contents
                return contents
            }
        }
    }

    /// What an archive holds, by digest.
    package struct Contents: Sendable {
        package var listing = SourceListing()
        /// Manifests that were made here.
        package var manifests: [Digest: Manifest] = [:]
        /// Where blobs lie.
        var members: [Digest: String] = [:]
        /// Configs that were made here.
        var documents: [Digest: [UInt8]] = [:]
        /// Of layers whose own digest nothing vouches for.
        var diffIDs: [Digest: Digest] = [:]
    }

    package func listing() async throws -> SourceListing { try await contents().listing }

    package func manifest(_ descriptor: Descriptor, in repository: String?) async throws -> Manifest {
        if let made = try await contents().manifests[descriptor.digest] {
            try made.check(against: descriptor, name: "\(title): the manifest \(descriptor.digest)")
            return made
        }
        return try await oci.manifest(descriptor, in: nil)
    }

    package func blob(_ descriptor: Descriptor, in repository: String?) async throws -> any ByteSource {
        let contents = try await contents()
        if let document = contents.documents[descriptor.digest] { return BytesSource(document) }
        guard let member = contents.members[descriptor.digest] else { return try await oci.blob(descriptor, in: nil) }
        return DeferredSource { [tree] in
            guard let source = try tree.open(member) else {
                throw ImageError.notFound("\(tree.title): \(member) is missing")
            }
            return source
        }
    }

    package func expectedDiffID(of layer: Digest) async throws -> Digest? { try await contents().diffIDs[layer] }

    /// What changes when the archive does; nil where nothing tells.
    func stamp() throws -> String? { try tree.stamp(of: "manifest.json") }

    package func referrers(of digest: Digest, in repository: String?) async throws -> [Descriptor] {
        try tree.size(of: OCIPaths.index) == nil ? [] : await oci.referrers(of: digest, in: nil)
    }
}

/// What the archive's lists lead to. Layers that have no digest of their own there are known by their diffIDs.
extension DockerArchive: VerifiedPlace {
    package func stamp(of blob: Descriptor, in repository: String?) async throws -> String? { try stamp() }
}

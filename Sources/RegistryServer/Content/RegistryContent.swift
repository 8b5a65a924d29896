import ByteStreams
import ImageModel
import RegistryStore

/// What a manifest is asked for by.
enum ManifestReference: Sendable {
    case tag(String)
    case digest(Digest)
}

/// What a registry serves. Nothing is remembered between two calls that another process could have changed.
protocol RegistryContent: Sendable {
    /// Names after `last`, in the order of their components; at most `limit`.
    func repositories(after last: String?, limit: Int) async throws -> [String]
    /// - Returns: nil if there is no such repository.
    func tags(of repository: String, _ request: TagsRequest) async throws -> TagsPage?
    /// - Returns: nil if there is none.
    func manifest(_ reference: ManifestReference, in repository: String) async throws -> Manifest?
    func blob(_ digest: Digest, in repository: String) async throws -> ServedBlob?
    /// The file that has a manifest's bytes and nothing else.
    ///
    /// - Returns: nil if there is no such file.
    func manifestFile(_ digest: Digest, in repository: String) async throws -> ServedBlob?
    /// Media type, digest and size of a manifest, without its bytes.
    ///
    /// - Returns: nil if there is none.
    func descriptor(_ reference: ManifestReference, in repository: String) async throws -> Descriptor?
    /// - Returns: bytes, -1 if that is not known; nil if there is no such blob.
    func blobSize(_ digest: Digest, in repository: String) async throws -> Int64?
    /// A page of the manifests that name `digest` as their subject.
    func referrers(
        of digest: Digest, in repository: String, _ request: ReferrersPage.Request
    ) async throws -> ReferrersPage
    /// Whether it can be served at all at the moment.
    ///
    /// - Throws: what is wrong.
    func check() async throws
}

extension RegistryContent {
    func manifestFile(_ digest: Digest, in repository: String) async throws -> ServedBlob? { nil }

    func descriptor(_ reference: ManifestReference, in repository: String) async throws -> Descriptor? {
        try await manifest(reference, in: repository)?.descriptor
    }

    func blobSize(_ digest: Digest, in repository: String) async throws -> Int64? {
        try await blob(digest, in: repository)?.size
    }
}

/// A blob, and where its bytes are.
package struct ServedBlob: Sendable {
    /// -1 if it is not known.
    package var size: Int64
    package var bytes: ServedBytes
    /// A URL from where the client can fetch it as well, for a while; nil where there is none.
    package var address: (@Sendable () throws -> String)?
}

extension ServedBlob {
    init(_ content: StoredContent) {
        switch content {
        case .file(let file): self.init(size: file.size, bytes: .file(file, offset: 0))
        case .object(let object):
            self.init(size: object.size, bytes: .ranges(object.open), address: object.address)
        }
    }
}

import ImageModel

/// What a registry serves. Nothing is remembered between two calls that another process could have changed.
protocol RegistryContent: Sendable {
    /// Names after `last`, in the order of their components; at most `limit`.
    func repositories(after last: String?, limit: Int) async throws -> [String]
    /// Sorted; nil if there is no such repository.
    func tags(of repository: String) async throws -> [String]?
    /// - Returns: nil if there is none.
    func manifest(tagged tag: String, in repository: String) async throws -> Manifest?
    func manifest(_ digest: Digest, in repository: String) async throws -> Manifest?
    func blob(_ digest: Digest, in repository: String) async throws -> ServedBlob?
    /// What names `digest` as its subject, as far as it goes onto `page`.
    func referrers(of digest: Digest, in repository: String, on page: ReferrersPage) async throws -> ReferrersPage
    /// Whether it can be served at all at the moment.
    ///
    /// - Throws: what is wrong.
    func check() async throws
}

/// A blob, and where its bytes are.
struct ServedBlob: Sendable {
    var size: Int64
    var bytes: ServedBytes
}

import ByteStreams
import ImageModel

/// Tells the metrics how long the storage takes.
struct MeasuredContent: RegistryContent {
    let content: any RegistryContent
    let metrics: ServerMetrics

    private func measure<T>(_ action: String, _ body: () async throws -> T) async rethrows -> T {
        let start = ContinuousClock.now
        defer { metrics.storage(action, took: start.duration(to: .now)) }
        return try await body()
    }

    func repositories(after last: String?, limit: Int) async throws -> [String] {
        try await measure("List") { try await content.repositories(after: last, limit: limit) }
    }
    func tags(of repository: String, _ request: TagsRequest) async throws -> TagsPage? {
        try await measure("List") { try await content.tags(of: repository, request) }
    }
    func manifest(_ reference: ManifestReference, in repository: String) async throws -> Manifest? {
        try await measure("GetContent") { try await content.manifest(reference, in: repository) }
    }
    func manifestFile(_ digest: Digest, in repository: String) async throws -> ServedBlob? {
        try await measure("Reader") { try await content.manifestFile(digest, in: repository) }
    }
    func blob(_ digest: Digest, in repository: String) async throws -> ServedBlob? {
        try await measure("Reader") { try await content.blob(digest, in: repository) }
    }
    func descriptor(_ reference: ManifestReference, in repository: String) async throws -> Descriptor? {
        try await measure("GetContent") { try await content.descriptor(reference, in: repository) }
    }
    func blobSize(_ digest: Digest, in repository: String) async throws -> Int64? {
        try await measure("Stat") { try await content.blobSize(digest, in: repository) }
    }
    func referrers(
        of digest: Digest, in repository: String, _ request: ReferrersPage.Request
    ) async throws -> ReferrersPage {
        try await measure("Walk") { try await content.referrers(of: digest, in: repository, request) }
    }
    func check() async throws { try await measure("Stat") { try await content.check() } }
}

import ByteStreams
import Foundation
import ImageModel
import RegistryServer

/// An upstream in memory, which fails or holds its answers back as told.
final class FakeUpstream: Upstream, @unchecked Sendable {
    private let lock = NSCondition()
    private var manifests: [String: Manifest] = [:]
    private var tags: [String: Manifest] = [:]
    private var blobs: [Digest: (bytes: [UInt8], size: Int64)] = [:]
    private var claims: [String: Digest] = [:]
    private var failure: UpstreamFailure?
    private var isHeld = false
    private var parsing: (@Sendable () -> Void)?
    private var log: [String] = []
    private var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []

    let title = "upstream"

    func prepare() async {}

    // MARK: For tests

    /// Makes a manifest, of a text that makes it its own.
    static func manifest(_ text: String) throws -> Manifest {
        let config = Descriptor(mediaType: .ociConfig, digest: Digest(of: Array(text.utf8)), size: 1)
        return try Manifest(making: ImageManifest(mediaType: .ociManifest, config: config, layers: []))
    }

    func push(_ manifest: Manifest, as tag: String? = nil) {
        change {
            manifests[manifest.digest.description] = manifest
            if let tag { tags[tag] = manifest }
        }
    }

    func remove(tag: String) { change { tags[tag] = nil } }

    /// - Parameter size: that it tells; the true one unless given.
    func push(blob bytes: [UInt8], as digest: Digest? = nil, size: Int64? = nil) {
        change { blobs[digest ?? Digest(of: bytes)] = (bytes, size ?? Int64(bytes.count)) }
    }

    /// Lets a tag's look-up tell a wrong digest.
    func claim(_ digest: Digest, for tag: String) { change { claims[tag] = digest } }

    func fail(_ failure: UpstreamFailure?) { change { self.failure = failure } }

    /// From now on, manifests are large ones, whose parsing calls `body`.
    func parse(_ body: @escaping @Sendable () -> Void) { change { parsing = body } }

    /// From now on, requests get no answer until `release`.
    func hold() { change { isHeld = true } }
    func release() { change { isHeld = false } }

    /// Requests since the last call.
    func requests() -> [String] {
        change {
            defer { log = [] }
            return log
        }
    }

    /// Waits for this number of requests since the last call of `requests`.
    func asked(_ count: Int) async {
        await withCheckedContinuation { continuation in
            change { watchers.append((count, continuation)) }
        }
    }

    @discardableResult
    private func change<T>(_ body: () -> T) -> T {
        lock.lock()
        let result = body()
        let ready = watchers.filter { $0.count <= log.count }
        watchers.removeAll { $0.count <= log.count }
        lock.broadcast()
        lock.unlock()
        for watcher in ready { watcher.continuation.resume() }
        return result
    }

    // MARK: Upstream

    private func answer<T>(_ request: String, _ body: () throws -> T) throws -> T {
        change { log.append(request) }
        lock.lock()
        defer { lock.unlock() }
        while isHeld { lock.wait() }
        if let failure { throw failure }
        return try body()
    }

    func descriptor(_ reference: String, in repository: String) throws -> Descriptor? {
        try answer("look up \(reference)") {
            var found = (tags[reference] ?? manifests[reference])?.descriptor
            if let claim = claims[reference] { found?.digest = claim }
            return found
        }
    }

    func manifest(_ reference: String, in repository: String) throws -> UpstreamManifest? {
        try answer("get \(reference)") {
            guard let manifest = tags[reference] ?? manifests[reference] else { return nil }
            guard let parsing else { return .parsed(manifest) }
            return .large {
                parsing()
                return manifest
            }
        }
    }

    func tags(
        of repository: String, _ request: TagsRequest, isWanted: @escaping @Sendable () -> Bool
    ) throws -> TagsPage? {
        try answer("list") { tags.isEmpty ? nil : TagsPage(of: tags.keys.sorted(), request) }
    }

    func blob(_ digest: Digest, in repository: String) throws -> Descriptor? {
        try answer("look for blob") {
            blobs[digest].map { Descriptor(mediaType: .ociLayer, digest: digest, size: $0.size) }
        }
    }

    func download(_ digest: Digest, in repository: String) throws -> (source: any ByteSource, size: Int64)? {
        try answer("get blob") { blobs[digest].map { (BytesSource($0.bytes), $0.size) } }
    }

    func referrers(
        of digest: Digest, in repository: String, isWanted: @escaping @Sendable () -> Bool,
        _ take: (Descriptor) throws -> Void
    ) throws {
        try answer("list referrers") {}
    }
}

import ImageModel
import Synchronization

/// What a source remembers of one run, so that nothing is asked for twice.
final class RegistryRun: Sendable {
    private struct Key: Hashable {
        var repository: String
        var digest: Digest
    }

    private struct State {
        var manifests: [Key: Manifest] = [:]
        var bytes: Int64 = 0
        var deleted: Set<Key> = []
        var tags: [String: [String]] = [:]
    }

    /// Bytes of manifests that are kept: a whole registry's are not.
    private static let most: Int64 = 8 << 20

    private let state = Mutex(State())

    func manifest(_ digest: Digest, in repository: String) -> Manifest? {
        state.withLock { $0.manifests[Key(repository: repository, digest: digest)] }
    }

    func keep(_ manifest: Manifest, in repository: String) {
        state.withLock { state in
            if state.bytes + manifest.size > Self.most {
                state.manifests = [:]
                state.bytes = 0
            }
            state.bytes += manifest.size
            state.manifests[Key(repository: repository, digest: manifest.digest)] = manifest
        }
    }

    /// A repository's tags, listed once.
    func tags(in repository: String, _ list: () throws -> [String]) rethrows -> [String] {
        if let known = state.withLock({ $0.tags[repository] }) { return known }
        let tags = try list()
        state.withLock { $0.tags[repository] = tags }
        return tags
    }

    func hasDeleted(_ digest: Digest, in repository: String) -> Bool {
        state.withLock { $0.deleted.contains(Key(repository: repository, digest: digest)) }
    }

    func noteDeletion(of digest: Digest, in repository: String) {
        state.withLock { _ = $0.deleted.insert(Key(repository: repository, digest: digest)) }
    }
}

package import ImageModel
import Synchronization

/// A tag of a repository.
package struct TagKey: Hashable, Sendable {
    package var repository: String
    package var tag: String
}

/// A manifest or a blob of a repository.
struct ContentKey: Hashable, Sendable {
    var repository: String
    var digest: Digest
}

/// Meanings of tags at a cache's upstream, each with the time at which it was looked up. They are lost when the server
/// ends, and found out again.
package final class TagChecks: Sendable {
    private struct Check {
        var time: Duration
        /// nil where the upstream has no such tag, or its answer is of no use.
        var descriptor: Descriptor?
    }

    private struct State {
        var checks: [TagKey: Check] = [:]
        var tags: [ContentKey: Set<String>] = [:]

        mutating func forget(_ key: TagKey) {
            guard let old = checks.removeValue(forKey: key), let digest = old.descriptor?.digest else { return }
            let content = ContentKey(repository: key.repository, digest: digest)
            tags[content]?.remove(key.tag)
            if tags[content]?.isEmpty == true { tags[content] = nil }
        }
    }

    /// Tags that are kept.
    private static let limit = 50_000

    private let state = Mutex(State())
    private let interval: Duration
    private let clock: any CacheClock

    /// - Parameter interval: after which a tag is looked up again.
    package init(interval: Duration, clock: any CacheClock) {
        self.interval = interval
        self.clock = clock
    }

    /// A look-up that is still good.
    ///
    /// - Returns: nil if there is none; a nil descriptor where the upstream has no such tag.
    package func recent(_ key: TagKey) -> Descriptor?? {
        let now = clock.now
        return state.withLock { state in
            guard let check = state.checks[key], now - check.time < interval else { return nil }
            return .some(check.descriptor)
        }
    }

    /// - Parameter descriptor: nil where the upstream has no such tag, or its answer is of no use.
    package func note(_ key: TagKey, _ descriptor: Descriptor?) {
        let now = clock.now
        state.withLock { state in
            state.forget(key)
            if state.checks.count >= Self.limit {
                let old = state.checks.filter { now - $0.value.time >= interval }.keys
                for key in old { state.forget(key) }
                if state.checks.count >= Self.limit { state = State() }
            }
            state.checks[key] = Check(time: now, descriptor: descriptor)
            guard let digest = descriptor?.digest else { return }
            state.tags[ContentKey(repository: key.repository, digest: digest), default: []].insert(key.tag)
        }
    }

    /// Tags that have this meaning at the upstream, as far as they were looked up.
    package func tags(of digest: Digest, in repository: String) -> Set<String> {
        state.withLock { $0.tags[ContentKey(repository: repository, digest: digest)] ?? [] }
    }
}

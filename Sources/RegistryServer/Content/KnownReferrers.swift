import ImageModel
import Synchronization

/// Which manifests name which subject: content, which never changes, and so is read once. Whether a manifest is still
/// there is asked each time.
final class KnownReferrers: Sendable {
    struct Referrer: Sendable {
        var digest: Digest
        var subject: Digest
        /// Bytes of the manifest; of an entry of a list, those of the entry.
        var size: Int64
        /// Hash of the artifact type; nil if it has none.
        var type: Int?
        /// The descriptor as it is shown, encoded; nil where it is too large to be remembered.
        var entry: [UInt8]?

        /// About as many bytes as it has on a page.
        var entrySize: Int64 { entry.map { Int64($0.count) } ?? size }
    }

    /// Manifests.
    private static let limit = 100_000
    /// Bytes of one that is remembered.
    private static let entryLimit = 1536
    /// Lists, and the entries and bytes of one.
    private static let listLimit = (lists: 64, entries: 256, size: 64 << 10)

    /// nil for a manifest without a subject.
    private let manifests = Mutex<[Digest: Referrer?]>([:])
    /// The entries of lists that clients keep under a tag.
    private let lists = Mutex<[Digest: [Referrer]]>([:])

    func isKnown(_ digest: Digest) -> Bool { manifests.withLock { $0[digest] != nil } }

    /// Those of some manifests that nobody has added.
    func unknown(of digests: [Digest]) -> [Digest] {
        manifests.withLock { manifests in digests.filter { manifests[$0] == nil } }
    }

    func add(_ manifest: Manifest) throws {
        let referrer = try manifest.subject.map { subject in
            let descriptor = manifest.referrerDescriptor
            let text = (descriptor.annotations ?? [:]).reduce(descriptor.artifactType?.utf8.count ?? 0) {
                $0 + $1.key.utf8.count + $1.value.utf8.count
            }
            let entry = text <= Self.entryLimit ? try Document.encode(descriptor) : []
            let isRemembered = text <= Self.entryLimit && entry.count <= Self.entryLimit
            return Referrer(
                digest: manifest.digest, subject: subject.digest, size: manifest.size,
                type: descriptor.artifactType?.hashValue, entry: isRemembered ? entry : nil)
        }
        manifests.withLock { $0[manifest.digest] = .some(referrer) }
    }

    /// Those of some manifests that name a subject. If too many are known, all others are forgotten.
    func referrers(of subject: Digest, among digests: [Digest]) -> [Referrer] {
        let known = manifests.withLock { manifests in
            if manifests.count > Self.limit {
                let wanted = Set(digests)
                manifests = manifests.filter { wanted.contains($0.key) }
            }
            return manifests
        }
        return digests.compactMap { known[$0] ?? nil }.filter { $0.subject == subject }
    }

    func list(_ digest: Digest) -> [Referrer]? { lists.withLock { $0[digest] } }

    /// Remembers a list, unless it is large.
    func add(_ list: [Referrer], as digest: Digest) {
        let limit = Self.listLimit
        guard list.count <= limit.entries, list.reduce(0, { $0 + $1.entrySize }) <= limit.size else { return }
        lists.withLock { lists in
            if lists.count >= limit.lists { lists = [:] }
            lists[digest] = list
        }
    }
}

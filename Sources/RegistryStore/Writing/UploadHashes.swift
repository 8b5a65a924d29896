import ImageModel
import Synchronization

/// The hashes of uploads between two requests, so that what has arrived is not read again.
///
/// A state is only good for the very bytes that it was made of, and another process may have written to the
/// upload since: it goes with the file's stamp.
final class UploadHashes: Sendable {
    private struct Entry {
        var hasher: DigestHasher
        var stamp: UploadStamp
    }

    /// The digest of all that has arrived.
    private struct Result {
        var digest: Digest
        var stamp: UploadStamp
    }

    private static let limit = 4096
    private let entries = Mutex<[String: Entry]>([:])
    private let results = Mutex<[String: Result]>([:])

    func keep(_ hasher: DigestHasher, of id: String, _ stamp: UploadStamp) {
        entries.withLock { entries in
            // Uploads that nobody went on with make room; their bytes can be read again.
            if entries.count >= Self.limit, let some = entries.keys.first { entries[some] = nil }
            entries[id] = Entry(hasher: hasher, stamp: stamp)
        }
    }

    func note(_ digest: Digest, of id: String, _ stamp: UploadStamp) {
        results.withLock { results in
            if results.count >= Self.limit, let some = results.keys.first { results[some] = nil }
            results["\(id) \(digest.algorithm)"] = Result(digest: digest, stamp: stamp)
        }
    }

    func digest(_ algorithm: Digest.Algorithm, of id: String, _ stamp: UploadStamp) -> Digest? {
        guard let result = results.withLock({ $0["\(id) \(algorithm)"] }), result.stamp == stamp else { return nil }
        return result.digest
    }

    func take(_ id: String, _ stamp: UploadStamp) -> DigestHasher? {
        guard let entry = entries.withLock({ $0.removeValue(forKey: id) }), entry.stamp == stamp else { return nil }
        return entry.hasher
    }
}

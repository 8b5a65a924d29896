package import ByteStreams
import FileTrees
import Glibc
package import ImageModel
import ImageTransfer

/// A blob that is being uploaded to a registry, over as many requests as it takes: `_uploads/<uuid>` of its repository.
///
/// What has arrived stays when a connection breaks or the registry stops, and any process that serves the store can go on
/// with it. Whoever holds one of these holds the upload's lock. Used by one thread at a time.
package final class StoreUpload {
    package let id: String
    private let store: Store
    private let repository: String
    private let file: any UploadFile
    private var isOpen = true
    /// Of everything that has arrived; nil if that has to be read again to know it.
    private var hasher: DigestHasher?
    /// Bytes that `hasher` has seen.
    private var hashed: Int64 = 0

    private init(_ file: any UploadFile, _ id: String, in repository: String, of store: Store) {
        self.file = file
        self.id = id
        self.repository = repository
        self.store = store
    }

    deinit { close() }

    /// Bytes that have arrived.
    package var size: Int64 { file.size }

    /// Gives the lock back, and remembers the hash for whoever goes on with it.
    package func close() {
        guard isOpen else { return }
        isOpen = false
        // After a write that failed in the middle there is more in the file than was hashed.
        if let hasher, let stamp = try? file.stamp(), stamp.size == hashed {
            store.uploadHashes.keep(hasher, of: id, stamp)
        }
        file.close()
    }

    /// The directory of an upload. The name becomes part of a path, and only a UUID has the right form.
    private static func directory(of id: String, in repository: String, _ store: Store) -> String? {
        isUUID(id) ? store.paths.upload(id, repository) : nil
    }

    /// How many bytes have arrived, whoever may be writing to it.
    ///
    /// - Returns: nil if there is no such upload.
    package static func size(of id: String, in repository: String, _ store: Store) throws -> Int64? {
        try directory(of: id, in: repository, store).flatMap { try store.tree.uploadSize(at: $0) }
    }

    package static func begin(in repository: String, of store: Store) throws -> StoreUpload {
        let id = uniqueName()
        let file = try store.tree.beginUpload(at: store.paths.upload(id, repository))
        let upload = StoreUpload(file, id, in: repository, of: store)
        upload.hasher = DigestHasher(.sha256)
        return upload
    }

    /// Goes on with an upload.
    ///
    /// - Returns: nil if there is none.
    /// - Throws: `UploadBusy`.
    /// - Parameter size: bytes that its client thinks have arrived; nil if it does not say.
    package static func resume(
        _ id: String, in repository: String, of store: Store, size: Int64? = nil
    ) throws -> StoreUpload? {
        guard let directory = directory(of: id, in: repository, store),
            let file = try store.tree.resumeUpload(at: directory, size: size)
        else { return nil }
        let upload = StoreUpload(file, id, in: repository, of: store)
        let stamp = try file.stamp()
        upload.hashed = stamp.size
        upload.hasher = stamp.size == 0 ? DigestHasher(.sha256) : store.uploadHashes.take(id, stamp)
        return upload
    }

    /// What has arrived, and what is still going to, by offset.
    package func reader() throws -> OpenFile { try file.reader() }

    /// Writes what has arrived. What is appended is also to be hashed, which may happen on another thread.
    package func append(_ bytes: UnsafeRawBufferPointer) throws { try file.append(bytes) }

    /// Makes what was appended last until another request goes on with the upload.
    package func pause() throws { try file.pause() }

    package func hash(_ bytes: UnsafeRawBufferPointer) {
        hasher?.update(bytes)
        hashed += Int64(bytes.count)
    }

    /// Whether what has arrived has to be read again to know whether it has a digest.
    package func mustRead(for digest: Digest) -> Bool { hasher == nil || digest.algorithm != .sha256 }

    /// Reads what has arrived, for a `commit` that follows.
    package func readAhead(of digest: Digest) throws {
        try knowingWhereItStands {
            if hasher == nil { _ = try read(.sha256) }
            if digest.algorithm != .sha256 { _ = try read(digest.algorithm) }
        }
    }

    /// Does something once more, without what was remembered, where another process went on with the upload.
    private func knowingWhereItStands<T>(_ body: () throws -> T) throws -> T {
        do {
            return try body()
        } catch is UploadChanged {
            hasher = nil
            try file.refresh()
            return try body()
        }
    }

    /// Makes the bytes a blob that the repository can serve.
    ///
    /// - Returns: false if they have another digest; then the upload goes on.
    package func commit(_ digest: Digest) throws -> Bool {
        let isRight = try knowingWhereItStands {
            let canonical = try hasher?.finalize() ?? read(.sha256)
            let actual = try digest.algorithm == .sha256 ? canonical : read(digest.algorithm)
            guard actual == digest else { return false }
            try store.publish(file, as: digest, canonical: canonical, in: repository)
            return true
        }
        guard isRight else { return false }
        hasher = nil
        // The blob is there. What cannot be taken away here is left to the purge of uploads, which says so.
        try? file.remove()
        return true
    }

    /// Reads what has arrived, once for all requests that name a digest which it has not.
    private func read(_ algorithm: Digest.Algorithm) throws -> Digest {
        let stamp = try file.stamp()
        if let known = store.uploadHashes.digest(algorithm, of: id, stamp) { return known }
        let source = HashingSource(try file.source(), algorithm: algorithm)
        _ = try source.drain()
        store.uploadHashes.note(source.digest(), of: id, try file.stamp())
        return source.digest()
    }

    package func cancel() throws {
        hasher = nil
        try file.remove()
    }

    private static func isUUID(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        return parts.map(\.utf8.count) == [8, 4, 4, 4, 12]
            && parts.joined().utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }
}

extension Store {
    /// What a purge did.
    package struct UploadPurge: Sendable {
        /// What went, or would go: `REPOSITORY/ID`.
        package var purged: [String] = []
        /// Why others are left.
        package var problems: [String] = []
    }

    /// Takes away uploads that began long ago. One that cannot be taken away keeps none of the others.
    package func purgeUploads(olderThan age: Duration, dryRun: Bool) throws -> UploadPurge {
        let latest = Timestamp.now - Int(age.components.seconds)
        var result = UploadPurge()
        for repository in try repositoriesWithUploads() {
            // Those that are out of the store are nobody's here: verify tells of the link.
            guard (try? tree.checkRemovable(in: paths.uploads(repository))) != nil else { continue }
            for id in try tree.list(paths.uploads(repository)) ?? [] {
                do {
                    guard try purgeUpload(id, in: repository, before: latest, dryRun: dryRun) else {
                        continue
                    }
                    result.purged.append("\(repository)/\(id)")
                } catch {
                    result.problems.append("upload \(repository)/\(id) is not purged: \(error)")
                }
            }
        }
        do {
            let count = try tree.dropOldParts(before: latest, dryRun: dryRun)
            if count > 0 { result.purged.append("parts of \(count) unfinished upload\(count == 1 ? "" : "s")") }
        } catch {
            result.problems.append("old parts are not purged: \(error)")
        }
        return result
    }

    /// - Returns: whether it is old, and nobody writes to it.
    private func purgeUpload(
        _ id: String, in repository: String, before latest: Int, dryRun: Bool
    ) throws -> Bool {
        let directory = paths.upload(id, repository)
        let started = try tree.read("\(directory)/startedat", limit: 4096).flatMap {
            Timestamp.parse(String(decoding: $0, as: UTF8.self))
        }
        guard let began = try started ?? tree.modified(directory), began < latest else { return false }
        do {
            _ = try StoreUpload.resume(id, in: repository, of: self)
        } catch is UploadBusy {
            // Whoever is writing to it at the moment has not given it up.
            return false
        }
        if !dryRun { try tree.remove(directory: directory) }
        return true
    }

    private func repositoriesWithUploads() throws -> [String] {
        var found: [String] = []
        if let all = try tree.repositories() { return all }
        try RepositoryWalk(list: tree.list, paths: paths).run { repository, names in
            if names.contains("_uploads") { found.append(repository) }
            return true
        }
        return found
    }
}

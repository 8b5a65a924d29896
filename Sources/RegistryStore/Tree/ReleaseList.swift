import ByteStreams
import Glibc
import ImageModel

/// The manifests and blobs that deletes have released, in `ROOT/.dray/released`: a garbage collection does not wait
/// for the grace time before it deletes them.
///
/// ```
/// 1795939200123456789 team/app sha256:<hex>
/// ```
/// One line for each delete: the time, in nanoseconds since 1970 by the clock that stamps the store's files; the
/// repository; the digest under which the bytes are stored. A file that was touched at that time or later has been asked
/// for again, and is not released. The list only shortens a wait: without it, or with a line of it damaged, the content
/// waits for the grace time. It is written with the store held for sweeping.
struct ReleaseList {
    /// A line of the list.
    struct Release: Hashable {
        /// Nanoseconds since 1970.
        var time: Int64
        var repository: String
        var digest: PackedDigest

        var line: String { "\(time) \(repository) \(digest.digest)\n" }

        init(time: Int64, repository: String, digest: PackedDigest) {
            self.time = time
            self.repository = repository
            self.digest = digest
        }

        /// - Returns: nil for a damaged line.
        init?(line: Substring) {
            let fields = line.split(separator: " ", omittingEmptySubsequences: false)
            guard fields.count == 3, let time = Int64(fields[0]), ImageName.isRepository(String(fields[1])),
                let digest = Digest(String(fields[2])).flatMap({ PackedDigest($0) })
            else { return nil }
            self.init(time: time, repository: String(fields[1]), digest: digest)
        }
    }

    /// Bytes. A list without any collection would grow without end; at this size it starts anew.
    static let sizeLimit = 64 << 20

    /// The store's, above `docker/registry/v2`.
    let root: DirectoryHandle
    private let file = ".dray/released"

    init(root: DirectoryHandle) { self.root = root }

    /// Notes a delete. The caller holds the store for sweeping, so that every earlier touch is older than the time that
    /// is noted.
    func add(_ digest: PackedDigest, in repository: String) throws {
        let release = Release(time: try StoreLock.moment(root), repository: repository, digest: digest)
        do {
            try append(release.line)
        } catch let error as ImageError where [ENOSPC, EDQUOT].contains(error.errno) {
            // A delete has to work on a full disk. The content waits for the grace time then, and `gc` says so.
        }
    }

    private func append(_ line: String) throws {
        let path = "\(root.path)/\(file)"
        let descriptor =
            try root.fileToChange(file, O_APPEND) ?? root.makeFile(file, ownership: Ownership(of: root), O_APPEND)
        defer { close(descriptor) }
        if try root.size(file) ?? 0 > Self.sizeLimit { try systemCall("truncate", path) { ftruncate(descriptor, 0) } }
        try Array(line.utf8).withUnsafeBytes { try writeAll($0, to: descriptor, path: path) }
    }

    /// Everything that is noted, oldest first.
    func releases() throws -> [Release] {
        guard try root.kind(file) == .file, let bytes = try root.read(file, limit: Self.sizeLimit + 4096) else {
            return []
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { Release(line: $0) }
    }

    /// Replaces the list, with the store held for sweeping.
    ///
    /// - Parameter change: gets what is noted by then, and returns what stays.
    func rewrite(_ change: ([Release]) -> [Release]) throws {
        let before = try releases()
        let after = change(before)
        guard after != before else { return }
        guard !after.isEmpty else {
            try root.removeFile(file)
            return
        }
        let new = try StagedFile(in: root.openToWrite(parent(of: file)), ownership: Ownership(of: root))
        for release in after { try new.write(Array(release.line.utf8)) }
        try new.commit(to: file, in: root)
    }
}

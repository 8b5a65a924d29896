import ByteStreams
import Glibc
import ImageModel
import Synchronization

/// What a run has read and found sound: so that a second look reads only what it has to, and a run that was
/// interrupted can go on.
///
/// ```
/// dray verify 1
/// <digest> <stamp of its file> <size> <diffIDs with commas between, or - where nobody looked>
/// ```
/// A file that was written to, moved or touched since has another stamp, and is read again. What has no stamp
/// (a registry's) is remembered for as long as the run lasts. A run that comes to its end removes the file: the
/// next one reads everything.
package final class VerifyJournal: Sendable {
    private struct Key: Hashable {
        var digest: Digest
        var stamp: String
    }

    private static let header = "dray verify 1\n"
    /// Bytes of the file: some millions of blobs.
    private static let sizeLimit = 1 << 30

    private let place: FilePlace?
    private let descriptor: Int32
    private let known: Mutex<[Key: BlobState]>

    /// - Parameter path: of the file; nil for a memory of this run alone.
    /// - Throws: `ImageError.refused` if another run has it, or it is something else.
    init(path: String?) throws {
        guard let path else {
            place = nil
            descriptor = -1
            known = Mutex([:])
            return
        }
        let place = try FilePlace(path, followingLinks: true)
        self.place = place
        let descriptor =
            try place.directory.fileToChange(place.name, O_APPEND)
            ?? place.directory.makeFile(place.name, ownership: .own, mode: 0o600, O_APPEND)
        do {
            guard try tryLock(descriptor, LOCK_EX, path) else {
                throw ImageError.refused(
                    "\(path) is in use by another verification: wait for it, or name another file")
            }
            guard try Self.isPrivate(descriptor, path: path) else {
                throw ImageError.refused(
                    "\(path): other users can write to this journal, so it may be wrong about what is sound; name another file"
                )
            }
            let text = String(
                decoding: try FileSource(OpenFile(sharing: descriptor, path: path)).readAll(
                    limit: Self.sizeLimit, name: path),
                as: UTF8.self)
            guard text.isEmpty || text.hasPrefix(Self.header) else {
                throw ImageError.refused("\(path) is no journal of a verification: name another file")
            }
            if text.isEmpty {
                try Array(Self.header.utf8).withUnsafeBytes { try writeAll($0, to: descriptor, path: path) }
            } else if text.last != "\n" {
                // A line that was cut short must not become part of the next one.
                try [UInt8(ascii: "\n")].withUnsafeBytes { try writeAll($0, to: descriptor, path: path) }
            }
            known = Mutex(Self.parse(text))
            self.descriptor = descriptor
        } catch {
            close(descriptor)
            throw error
        }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Whether nobody but this process's user and root can have written the file.
    private static func isPrivate(_ descriptor: Int32, path: String) throws -> Bool {
        var status = stat()
        try systemCall("look at", path) { fstat(descriptor, &status) }
        return isOwnOrRoots(status.st_uid) && status.st_mode & 0o022 == 0
    }

    private static func parse(_ text: String) -> [Key: BlobState] {
        var known: [Key: BlobState] = [:]
        for line in text.split(separator: "\n").dropFirst() {
            let words = line.split(separator: " ")
            guard words.count == 4, let digest = Digest(words[0]), let size = Int64(words[2]) else { continue }
            let diffIDs = words[3].split(separator: ",").compactMap { Digest($0) }
            guard !diffIDs.isEmpty || words[3] == "-" else { continue }
            known[Key(digest: digest, stamp: String(words[1]))] = .sound(
                size: size, tar: diffIDs.isEmpty ? nil : .tar(diffIDs: Set(diffIDs)))
        }
        return known
    }

    /// - Parameter diffIDs: by which algorithms it has to be known what it inflates to.
    func state(of digest: Digest, stamp: String?, diffIDs: Set<Digest.Algorithm>) -> BlobState? {
        let state = known.withLock { $0[Key(digest: digest, stamp: stamp ?? "")] }
        guard case .sound(_, let tar) = state else { return nil }
        var found: Set<Digest.Algorithm> = []
        if case .tar(let all) = tar { found = Set(all.map(\.algorithm)) }
        return diffIDs.isSubset(of: found) ? state : nil
    }

    /// Remembers what is sound; anything else is looked at again.
    func add(_ digest: Digest, stamp: String?, _ state: BlobState) throws {
        guard case .sound(let size, let tar) = state else { return }
        if case .broken = tar { return }
        known.withLock { $0[Key(digest: digest, stamp: stamp ?? "")] = state }
        guard let place, let stamp else { return }
        var diffIDs = "-"
        if case .tar(let found) = tar { diffIDs = found.map(\.description).sorted().joined(separator: ",") }
        try Array("\(digest) \(stamp) \(size) \(diffIDs)\n".utf8).withUnsafeBytes {
            try writeAll($0, to: descriptor, path: place.path)
        }
    }

    /// Whether a run that goes on with the file reads less.
    package static func remembersAnything(_ path: String) throws -> Bool {
        try fileSize(path).map { $0 > header.utf8.count } ?? false
    }

    /// Called when all is done.
    func finish() throws { if let place { try place.directory.removeFile(place.name) } }
}

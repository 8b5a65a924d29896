import CLinux
import Glibc
import ImageModel

/// A file without a final name yet.
///
/// It gets one by `commit`, once its bytes are known to be right and are on the disk; `cancel` takes it
/// away, as does forgetting it. Used by one thread at a time.
package final class StagedFile: ByteSink {
    package var path: String { "\(directory.path)/\(name)" }
    /// Bytes written so far.
    package private(set) var count: Int64 = 0
    private let directory: DirectoryHandle
    private let name: String
    /// In the same directory, where that is known from the begin.
    private let final: String?
    private let descriptor: Int32
    private var isOpen = true
    private var nextCheck = roomInterval
    private var pace = WritePace()

    /// How often it looks whether there is room, and how much of it stays free: an input whose size nobody knows
    /// must not fill the disk.
    private static let roomInterval: Int64 = 64 << 20

    /// - Parameters:
    ///   - directory: on the filesystem of the final name.
    ///   - mode: less the umask, where the ownership tells of none.
    package convenience init(
        in directory: DirectoryHandle, ownership: Ownership = .own, mode: UInt32 = 0o666
    ) throws {
        let name = "\(uniqueName()).part"
        try self.init(directory, name, Self.create(name, in: directory, ownership, mode))
    }

    /// A file beside the one that it will become, under a name that is made from that one's.
    ///
    /// It is locked as long as it is written: what a process that died has left under such a name is held by
    /// nobody, and is taken away first.
    ///
    /// - Parameter mode: permissions that it has at most; and those of the file that it replaces.
    package convenience init(beside final: FilePlace, mode most: UInt32 = 0o666) throws {
        let directory = final.directory
        let prefix = ".\(final.name)."
        // Some directories can be written and not read.
        for name in (try? directory.list(".")) ?? [] where isLeftover(name, prefix: prefix) {
            // Somebody else's, in a directory where only they may remove it, is in nobody's way.
            try? removeIfUnlocked(name, in: directory)
        }
        let mode = try final.modeOfNew(most)
        var name: String
        var descriptor: Int32
        var tries = 0
        repeat {
            guard tries < 100 else {
                throw ImageError.damaged(
                    "\(directory.path): every new file is locked by another process at once; see who else writes there")
            }
            tries += 1
            name = "\(prefix)\(uniqueName()).part"
            descriptor = try Self.create(name, in: directory, .own, mode)
        } while try !Self.lock(name, in: directory, descriptor)
        self.init(directory, name, descriptor, final: final.name)
    }

    /// - Returns: false if somebody else has locked it, who may have taken it for a leftover; it is gone then.
    private static func lock(_ name: String, in directory: DirectoryHandle, _ descriptor: Int32) throws -> Bool {
        do {
            let isLocked = try tryLock(descriptor, LOCK_EX, "\(directory.path)/\(name)")
            if isLocked, try directory.kind(name) != nil { return true }
        } catch {
            discard(name, in: directory, descriptor)
            throw error
        }
        discard(name, in: directory, descriptor)
        return false
    }

    private init(_ directory: DirectoryHandle, _ name: String, _ descriptor: Int32, final: String? = nil) {
        self.directory = directory
        self.name = name
        self.descriptor = descriptor
        self.final = final
    }

    private static func create(
        _ name: String, in directory: DirectoryHandle, _ ownership: Ownership, _ mode: UInt32
    ) throws -> Int32 {
        try Interruption.register(name, in: directory) {
            try directory.makeFile(name, ownership: ownership, mode: mode)
        }
    }

    deinit { cancel() }

    package func write(_ bytes: UnsafeRawBufferPointer) throws {
        if count >= nextCheck { try checkRoom() }
        try writeAll(bytes, to: descriptor, path: path)
        count += Int64(bytes.count)
        pace.advance(to: count, in: descriptor)
    }

    private func checkRoom() throws {
        nextCheck = count + Self.roomInterval
        guard try freeSpace(of: descriptor, path: path) < Self.roomInterval else { return }
        throw ImageError.io(
            operation: "write more than \(count) bytes and leave \(Self.roomInterval >> 20) MiB free at", path: path,
            errno: ENOSPC)
    }

    /// Overwrites what was written before.
    package func patch(at offset: Int64, _ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try writeAll($0, to: descriptor, at: offset, path: path) }
    }

    /// Forgets all from `size` on.
    package func truncate(to size: Int64) throws {
        try systemCall("truncate", path) { ftruncate(descriptor, off_t(size)) }
        try systemCall("write", path) { lseek(descriptor, off_t(size), SEEK_SET) }
        count = size
    }

    /// The bytes that were written. They come from the open file, even if its name belongs to another one by now.
    ///
    /// - Parameter length: bytes; nil for all that follow `offset`.
    package func written(from offset: Int64 = 0, length: Int64? = nil) throws -> FileSource {
        FileSource(try OpenFile(sharing: descriptor, path: path), offset: offset, length: length)
    }

    /// Brings what was written to the disk.
    package func flush() throws {
        try pace.end(at: count, in: descriptor, path: path)
        try systemCall("sync", path) { fsync(descriptor) }
    }

    /// Gives it its name, over whatever has that now. Durable when this returns.
    package func commit(to final: String, in target: DirectoryHandle) throws {
        try flush()
        try directory.move(name, to: final, in: target)
        Interruption.unregister(name, in: directory)
        isOpen = false
        close(descriptor)
    }

    /// Likewise the name that it was made beside.
    package func commit() throws {
        guard let final else { preconditionFailure("\(path) was made without a final name") }
        try commit(to: final, in: directory)
    }

    /// Likewise, unless something has that name.
    ///
    /// - Returns: whether it has it now; if not, it is gone.
    package func commitIfAbsent(_ final: String) throws -> Bool {
        try flush()
        guard try directory.moveIfAbsent(name, to: final) else {
            cancel()
            return false
        }
        Interruption.unregister(name, in: directory)
        isOpen = false
        close(descriptor)
        return true
    }

    /// Likewise the name that it was made beside.
    package func commitIfAbsent() throws -> Bool {
        guard let final else { preconditionFailure("\(path) was made without a final name") }
        return try commitIfAbsent(final)
    }

    package func cancel() {
        guard isOpen else { return }
        isOpen = false
        Self.discard(name, in: directory, descriptor)
    }

    private static func discard(_ name: String, in directory: DirectoryHandle, _ descriptor: Int32) {
        close(descriptor)
        // Where it cannot be taken away now, the next run does that.
        _ = try? directory.removeFile(name)
        Interruption.unregister(name, in: directory)
    }
}

/// Whether a name in a directory is one that `StagedFile(beside:)` makes.
private func isLeftover(_ name: String, prefix: String) -> Bool {
    name.hasPrefix(prefix) && name.hasSuffix(".part")
        && name.utf8.count == prefix.utf8.count + uniqueName().utf8.count + ".part".utf8.count
}

/// Takes a file away unless somebody has locked it.
private func removeIfUnlocked(_ name: String, in directory: DirectoryHandle) throws {
    // Not ours to read, or gone: not ours to remove.
    guard let file = try? directory.file(name) else { return }
    if try tryLock(file.descriptor, LOCK_EX, file.path) { try directory.removeFile(name) }
}

/// A random UUID.
package func uniqueName() -> String {
    var bytes = (0..<16).map { _ in UInt8.random(in: 0...255) }
    bytes[6] = bytes[6] & 0x0f | 0x40
    bytes[8] = bytes[8] & 0x3f | 0x80
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for (position, byte) in bytes.enumerated() {
        if [4, 6, 8, 10].contains(position) { text.append(45) }
        text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
    return String(decoding: text, as: UTF8.self)
}

/// Goes along with a file that is written from front to back: the disk takes in what lies behind, so that the sync
/// at the end is short, and has room ready for what comes next, so that it is not sought page by page.
package struct WritePace {
    /// Bytes: enough that the disk writes in long runs, and little to keep from others when it is nearly full.
    private static let interval: Int64 = 8 << 20

    private var begun: Int64 = 0
    private var reserved: Int64 = 0

    package init() {}

    /// - Parameter count: bytes that the file has; all up to there were written by now.
    package mutating func advance(to count: Int64, in descriptor: Int32) {
        guard count - begun >= Self.interval else { return }
        // Both are hints: where one does nothing, or fails, the writes and the sync do all, and tell.
        _ = dray_begin_writeback(descriptor, begun, count - begun)
        begun = count
        if dray_reserve(descriptor, count, Self.interval) == 0 {
            reserved = count + Self.interval
        }
    }

    /// Gives back what was reserved beyond the end.
    ///
    /// - Parameter count: bytes that the file has, or is to have.
    package mutating func end(at count: Int64, in descriptor: Int32, path: String) throws {
        guard reserved > count else { return }
        try systemCall("truncate", path) { ftruncate(descriptor, off_t(count)) }
        reserved = 0
    }
}

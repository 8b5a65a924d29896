import Glibc

/// A file without a final name yet.
///
/// It gets one by `commit`, once its bytes are known to be right and are on the disk; `cancel` takes it
/// away, as does forgetting it. Used by one thread at a time.
public final class StagedFile: ByteSink {
    public let path: String
    /// Bytes written so far.
    public private(set) var count: Int64 = 0
    private let descriptor: Int32
    private var isOpen = true
    private var nextCheck = roomInterval
    private var pace = WritePace()

    /// How often it looks whether there is room, and how much of it stays free: an input whose size nobody knows
    /// must not fill the disk.
    private static let roomInterval: Int64 = 64 << 20

    /// - Parameters:
    ///   - directory: exists, on the filesystem of the final name.
    ///   - mode: less the umask.
    public convenience init(in directory: String, ownership: Ownership? = nil, mode: UInt32 = 0o666) throws {
        let path = "\(directory)/\(uniqueName()).part"
        try self.init(path, Self.create(path, mode: mode))
        try ownership?.apply(to: descriptor, path: path)
    }

    /// A file beside the one that it will become, under a name that is made from that one's.
    ///
    /// It is locked as long as it is written: what a process that died has left under such a name is held by
    /// nobody, and is taken away first.
    public convenience init(beside final: String) throws {
        let directory = parent(of: final)
        let prefix = ".\(lastComponent(of: final))."
        // Some directories can be written and not read.
        for name in (try? listDirectory(directory)) ?? [] where isLeftover(name, prefix: prefix) {
            try removeIfUnlocked("\(directory)/\(name)")
        }
        var path: String
        var descriptor: Int32
        repeat {
            path = "\(directory)/\(prefix)\(uniqueName()).part"
            descriptor = try Self.create(path, mode: 0o666)
        } while try !Self.lock(path, descriptor)
        self.init(path, descriptor)
    }

    /// - Returns: false if it is gone: before it was locked, somebody may have taken it for a leftover.
    private static func lock(_ path: String, _ descriptor: Int32) throws -> Bool {
        do {
            try systemCall("lock", path) { flock(descriptor, LOCK_EX) }
            if try fileKind(path) != nil { return true }
        } catch {
            discard(path, descriptor)
            throw error
        }
        discard(path, descriptor)
        return false
    }

    private init(_ path: String, _ descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
    }

    private static func create(_ path: String, mode: UInt32) throws -> Int32 {
        try Interruption.register(path) {
            try systemCall("write", path) { open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode) }
        }
    }

    deinit { cancel() }

    public func write(_ bytes: UnsafeRawBufferPointer) throws {
        if count >= nextCheck { try checkRoom() }
        try writeAll(bytes, to: descriptor, path: path)
        count += Int64(bytes.count)
        pace.advance(to: count, in: descriptor)
    }

    private func checkRoom() throws {
        nextCheck = count + Self.roomInterval
        guard try freeSpace(at: path) < Self.roomInterval else { return }
        throw StreamError.io(
            operation: "write more than \(count) bytes and leave \(Self.roomInterval >> 20) MiB free at", path: path,
            errno: ENOSPC)
    }

    /// Overwrites what was written before.
    public func patch(at offset: Int64, _ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try writeAll($0, to: descriptor, at: offset, path: path) }
    }

    /// Forgets all from `size` on.
    public func truncate(to size: Int64) throws {
        try systemCall("truncate", path) { ftruncate(descriptor, off_t(size)) }
        try systemCall("write", path) { lseek(descriptor, off_t(size), SEEK_SET) }
        count = size
    }

    /// What was written.
    public func written() throws -> FileSource { FileSource(try OpenFile(reading: path)) }

    /// Brings what was written to the disk.
    public func flush() throws {
        try pace.end(at: count, in: descriptor, path: path)
        try systemCall("sync", path) { fsync(descriptor) }
    }

    /// Gives it its name, over whatever has that now. Durable when this returns.
    public func commit(to final: String) throws {
        try flush()
        try systemCall("rename to \(final)", path) { rename(path, final) }
        Interruption.unregister(path)
        isOpen = false
        close(descriptor)
        try syncDirectory(parent(of: final))
    }

    public func cancel() {
        guard isOpen else { return }
        isOpen = false
        Self.discard(path, descriptor)
    }

    private static func discard(_ path: String, _ descriptor: Int32) {
        close(descriptor)
        // Where it cannot be taken away now, the next run does that.
        unlink(path)
        Interruption.unregister(path)
    }
}

/// Whether a name in a directory is one that `StagedFile(beside:)` makes.
private func isLeftover(_ name: String, prefix: String) -> Bool {
    name.hasPrefix(prefix) && name.hasSuffix(".part")
        && name.utf8.count == prefix.utf8.count + uniqueName().utf8.count + ".part".utf8.count
}

/// Takes a file away unless somebody has locked it.
private func removeIfUnlocked(_ path: String) throws {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    // Not ours to read, or gone: not ours to remove.
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    if try tryLock(descriptor, LOCK_EX, path) { try removeFile(path) }
}

/// Writes a small file so that it is there whole, or not at all.
///
/// - Parameter staging: a directory on the same filesystem.
package func writeDurably(
    _ bytes: [UInt8], to path: String, staging: String, ownership: Ownership? = nil, mode: UInt32 = 0o666
) throws {
    let file = try StagedFile(in: staging, ownership: ownership, mode: mode)
    try file.write(bytes)
    try file.commit(to: path)
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

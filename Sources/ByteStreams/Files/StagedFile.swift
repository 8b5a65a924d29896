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

    /// - Parameters:
    ///   - directory: exists, on the filesystem of the final name.
    ///   - mode: less the umask.
    public init(
        in directory: String, prefix: String = "", ownership: Ownership? = nil, mode: UInt32 = 0o666
    ) throws {
        let path = "\(directory)/\(prefix)\(uniqueName()).part"
        self.path = path
        Interruption.register(path)
        do {
            descriptor = try systemCall("write", path) {
                open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
            }
        } catch {
            Interruption.unregister(path)
            throw error
        }
        try ownership?.apply(to: descriptor, path: path)
    }

    deinit { cancel() }

    public func write(_ bytes: UnsafeRawBufferPointer) throws {
        try writeAll(bytes, to: descriptor, path: path)
        count += Int64(bytes.count)
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
    public func flush() throws { try systemCall("sync", path) { fsync(descriptor) } }

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
        close(descriptor)
        unlink(path)
        Interruption.unregister(path)
    }
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

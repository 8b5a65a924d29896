import ByteStreams
import CArchive

/// What libarchive's callbacks read from; keeps the error that C cannot carry. Lives as long as the archive.
final class ArchiveInput {
    private let source: any ByteSource
    private let file: OpenFile?
    private var position: Int64 = 0
    /// Of the buffer, as read last.
    private var count = 0
    private let buffer: UnsafeMutableRawBufferPointer
    private(set) var error: (any Error)?

    init(_ source: any ByteSource) {
        self.source = source
        file = nil
        buffer = .allocate(byteCount: 256 << 10, alignment: 64)
    }

    /// Headers lie far apart: small reads pass over what is between them.
    init(_ file: OpenFile) {
        source = BytesSource([])
        self.file = file
        buffer = .allocate(byteCount: 4 << 10, alignment: 64)
    }

    deinit { buffer.deallocate() }

    /// Lets libarchive read from here.
    ///
    /// - Returns: whether it could begin.
    func open(_ archive: OpaquePointer) -> Bool {
        archive_read_set_callback_data(archive, Unmanaged.passUnretained(self).toOpaque())
        archive_read_set_read_callback(archive) { _, data, buffer in
            Unmanaged<ArchiveInput>.fromOpaque(data!).takeUnretainedValue().next(buffer!)
        }
        archive_read_set_skip_callback(archive) { _, data, count in
            Unmanaged<ArchiveInput>.fromOpaque(data!).takeUnretainedValue().skip(count)
        }
        return archive_read_open1(archive) == ARCHIVE_OK
    }

    private func next(_ result: UnsafeMutablePointer<UnsafeRawPointer?>) -> Int {
        do {
            count = try file?.read(at: position, into: buffer) ?? source.read(into: buffer)
            position += Int64(count)
            result.pointee = UnsafeRawPointer(buffer.baseAddress)
            return count
        } catch {
            self.error = error
            return -1
        }
    }

    /// - Returns: how far it went: nothing where it cannot seek, and never past the end, so that a
    ///   truncated member is noticed by reading.
    private func skip(_ count: Int64) -> Int64 {
        guard let file else { return 0 }
        let skipped = max(0, min(count, file.size - position - 1))
        position += skipped
        return skipped
    }

    /// Whether anything comes after so many bytes, all of which libarchive has been given.
    func goesOn(after end: Int64) throws -> Bool {
        if let file { return file.size > end }
        return try position > end || source.read(into: buffer) > 0
    }

    /// Reads the rest of what cannot be sought.
    func finish() throws {
        if file == nil { _ = try source.drain() }
    }

    /// Zeros after an archive's end that are looked through for another one.
    private static let paddingLimit: Int64 = 64 << 20

    /// Reads the rest of what cannot be sought, and looks for another tar in what follows the first.
    ///
    /// - Parameter end: of the first tar's members.
    /// - Returns: where the other one begins; nil if there is none.
    func trailingArchive(after end: Int64) throws -> Int64? {
        let known = position - Int64(count)
        if let file {
            position = min(end, file.size)
            count = 0
        }
        let skipped = Int(max(0, min(Int64(count), end - known)))
        var other = TrailingArchive(at: file == nil ? known + Int64(skipped) : position)
        if file == nil { other.add(UnsafeRawBufferPointer(rebasing: buffer[skipped..<count])) }
        let limit = position + Self.paddingLimit
        while true {
            let count = try file?.read(at: position, into: buffer) ?? source.read(into: buffer)
            guard count > 0 else { return other.offset }
            position += Int64(count)
            other.add(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            guard !other.isDecided, position < limit else {
                try finish()
                return other.offset
            }
        }
    }
}

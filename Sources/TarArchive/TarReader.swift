package import ByteStreams
import CArchive
import Glibc
import ImageModel

/// Reads a tar from front to back: plain, or compressed with gzip, zstd, xz or bzip2.
///
/// libarchive does the reading; every answer of it that is not plain success is an error here, for an
/// image archive has nothing that it could only half understand.
package final class TarReader {
    private let archive: OpaquePointer
    private let input: ArchiveInput
    private let name: String
    /// Tells what the archive is if it is no tar; nil once there was a member.
    private var notATar: NotATarError?
    /// Bytes of a compressed archive so far, as it lies.
    private var consumed: () -> Int64 = { 0 }
    private var twicePacked: TwicePacked?
    private var size = TarSize()
    private var current: TarEntry?
    private var readOfCurrent: Int64 = 0
    /// Where the members so far end, with their padding.
    private var membersEnd: Int64 = 0
    /// What libarchive has given of the current member and was not passed on yet.
    private var block = UnsafeRawBufferPointer(start: nil, count: 0)

    /// - Parameters:
    ///   - name: of the archive, for messages.
    /// - Throws: `NotATarError`, or `ImageError.damaged` if the compression is.
    package convenience init(_ source: any ByteSource, name: String, limit: InflationLimit = .standard) throws {
        let peeking = PeekingSource(source)
        let format = CompressionFormat.sniff(try peeking.peek(6))
        switch format {
        case .none: try self.init(peeking, packed: format, name: name)
        case .gzip, .zstd:
            let inflating = try InflatingSource(peeking, format: format, limit: limit, name: name)
            try self.init(PeekingSource(inflating), packed: format, name: name)
            consumed = { inflating.consumed }
        case .xz, .bzip2:
            let unpacking = try UnpackingSource(peeking, format: format, limit: limit, name: name)
            try self.init(PeekingSource(unpacking), packed: format, name: name)
            consumed = { unpacking.consumed }
        }
        if format != .none { twicePacked = TwicePacked(limit, name: name) }
    }

    /// A plain tar on disk, whose members' bytes are passed over by seeking.
    convenience init(file: OpenFile, name: String) throws {
        let start = try PeekingSource(FileSource(file)).peek(NotATarError.startLength)
        try self.init(ArchiveInput(file), start, packed: .none, name: name)
    }

    /// - Parameter packed: what `plain` was packed with.
    private convenience init(_ plain: PeekingSource, packed: CompressionFormat, name: String) throws {
        let start = try plain.peek(NotATarError.startLength)
        try self.init(ArchiveInput(plain), start, packed: packed, name: name)
    }

    private init(_ input: ArchiveInput, _ start: [UInt8], packed: CompressionFormat, name: String) throws {
        guard let archive = archive_read_new() else { throw ImageError.limit("libarchive cannot allocate a reader") }
        (self.archive, self.input, self.name) = (archive, input, name)
        notATar = NotATarError(
            name: name, start: start, isWhole: start.count < NotATarError.startLength, compression: packed)
        archive_read_support_format_tar(archive)
        guard input.open(archive) else { throw failure() }
    }

    deinit { archive_read_free(archive) }

    /// The next member; nil at the end.
    ///
    /// - Throws: `NotATarError` if there is none at all.
    package func next() throws -> TarEntry? {
        current = nil
        block = UnsafeRawBufferPointer(start: nil, count: 0)
        var header: OpaquePointer?
        let status = archive_read_next_header(archive, &header)
        if status == ARCHIVE_EOF {
            if let notATar { throw notATar }
            try checkEnd()
            // What follows the end of the tar is the end of its compression, which tells of truncation.
            if let other = try input.trailingArchive(after: membersEnd) {
                throw ImageError.damaged(
                    "\(name): another archive begins at byte \(other); split the file there, or save all images into one "
                        + "archive")
            }
            return nil
        }
        guard status == ARCHIVE_OK || status == ARCHIVE_WARN, let header else {
            throw failure("is damaged after \(size.members) \(size.members == 1 ? "member" : "members")")
        }
        notATar = nil
        let entry = try entry(header)
        if let excess = size.add(path: entry.path) { throw ImageError.limit("\(name) has \(excess)") }
        current = entry
        readOfCurrent = 0
        let (end, overflow) = entry.dataOffset.addingReportingOverflow(TarFormat.padded(entry.size))
        membersEnd = overflow ? .max : end
        twicePacked?.leave(consumed: consumed())
        return entry
    }

    /// Two blocks of zeros end a tar. Where nothing at all follows, one or none is taken for its end, too; but a second
    /// one that is cut off or something else is not, by the programs that load images (Go's `archive/tar`).
    private func checkEnd() throws {
        let end = archive_filter_bytes(archive, 0)
        guard end - membersEnd == Int64(TarFormat.blockSize), try input.goesOn(after: end) else { return }
        throw ImageError.damaged(
            "\(name) is truncated or damaged at its end: the second of the two blocks of zeros there, at byte \(end), is "
                + "cut off or something else")
    }

    /// The bytes of the member that `next` gave last; good until `next` is called again.
    package func body() -> any ByteSource { Body(self) }

    private func entry(_ header: OpaquePointer) throws -> TarEntry {
        guard let raw = archive_entry_pathname(header) else {
            throw ImageError.damaged("\(name): member \(size.members + 1) has no readable name")
        }
        let path = try TarPath.normalised(String(cString: raw), in: name)
        let size = archive_entry_size(header)
        guard size >= 0 else { throw ImageError.damaged("\(name): \(path) has the size \(size)") }
        guard archive_entry_sparse_count(header) == 0 else {
            throw ImageError.damaged(
                "\(name): \(path) is a sparse file, which dray does not read; extract the archive and pack it again without "
                    + "'tar -S'")
        }
        let kind: TarEntry.Kind
        if let target = archive_entry_hardlink(header) {
            kind = .hardLink(try self.target(target, of: path))
        } else if let target = archive_entry_symlink(header) {
            kind = .symbolicLink(try self.target(target, of: path))
        } else {
            switch archive_entry_filetype(header) {
            case Glibc.S_IFREG: kind = .file
            case Glibc.S_IFDIR: kind = .directory
            default: kind = .other
            }
        }
        return TarEntry(path: path, kind: kind, size: size, dataOffset: archive_filter_bytes(archive, 0))
    }

    private func target(_ raw: UnsafePointer<CChar>, of path: String) throws -> String {
        let target = String(cString: raw)
        guard target.utf8.count <= TarPath.lengthLimit else {
            throw ImageError.limit(
                "\(name): the link \(path) has a target of \(target.utf8.count) bytes, the limit is "
                    + "\(TarPath.lengthLimit)")
        }
        if let excess = size.add(text: target) { throw ImageError.limit("\(name) has \(excess)") }
        return target
    }

    private func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        if block.isEmpty, try !fillBlock() { return 0 }
        if readOfCurrent == Int64(block.count) {
            twicePacked?.enter(isPacked: CompressionFormat.sniff(Array(block.prefix(6))) != .none)
            try twicePacked?.add(block.count, consumed: consumed())
        }
        let count = min(buffer.count, block.count)
        buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: block[..<count]))
        block = UnsafeRawBufferPointer(rebasing: block[count...])
        return count
    }

    /// Lets libarchive go on in the current member; false at its end. Block by block, so that the place is known
    /// at which an archive breaks off.
    private func fillBlock() throws -> Bool {
        guard let current else { return false }
        var start: UnsafeRawPointer?
        var count = 0
        var offset: Int64 = 0
        repeat {
            let status = archive_read_data_block(archive, &start, &count, &offset)
            if status == ARCHIVE_EOF {
                guard current.kind != .file || readOfCurrent == current.size else { throw contradiction(current) }
                return false
            }
            guard status == ARCHIVE_OK else {
                throw failure(
                    "ends or breaks off inside of \(current.path), \(readOfCurrent) of \(current.size) bytes in")
            }
        } while count == 0
        guard offset == readOfCurrent, Int64(count) <= current.size - readOfCurrent else {
            throw contradiction(current)
        }
        if readOfCurrent > 0 { try twicePacked?.add(count, consumed: consumed()) }
        readOfCurrent += Int64(count)
        block = UnsafeRawBufferPointer(start: start, count: count)
        return true
    }

    /// A sparse file that does not look like one by its header: those who seek would read something else.
    private func contradiction(_ entry: TarEntry) -> any Error {
        ImageError.damaged("\(name): \(entry.path) has other bytes than the \(entry.size) that its header says")
    }

    private func failure(_ what: String = "is damaged at its start") -> any Error {
        if let error = input.error { return error }
        // What begins like a tar is a damaged one.
        if let notATar, !TarFormat.isHeader(notATar.start) { return notATar }
        let offset = archive_filter_bytes(archive, 0)
        return ImageError.damaged("\(name) \(what), near byte \(offset)\(archiveDetail(archive))")
    }

    private final class Body: ByteSource {
        private let reader: TarReader

        init(_ reader: TarReader) { self.reader = reader }

        func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int { try reader.read(into: buffer) }
    }
}

/// Data that was read as a tar and has not a single member.
package struct NotATarError: Error, CustomStringConvertible {
    /// The archive's name, for messages.
    package let name: String
    /// The first bytes, without the outer compression.
    package let start: [UInt8]
    /// Whether `start` is all there is.
    package let isWhole: Bool
    /// The outer compression.
    package let compression: CompressionFormat

    /// Bytes that tell formats apart: the mark of an ISO image comes last.
    package static let startLength = 33 << 10

    package var description: String { "\(name): not a tar archive, plain or compressed" }
}

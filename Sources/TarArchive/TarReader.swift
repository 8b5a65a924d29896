public import ByteStreams
import CArchive
import Glibc

/// Reads a tar from front to back: plain, or compressed with gzip, zstd, xz or bzip2.
///
/// libarchive does the reading; every answer of it that is not plain success is an error here, for an
/// image archive has nothing that it could only half understand.
public final class TarReader {
    /// Members that an archive may have.
    public static let entryLimit = 1_000_000
    /// Bytes of all their paths and links' targets together.
    static let pathsLimit = 128 << 20

    private let archive: OpaquePointer
    private let input: Input
    private let name: String
    /// Of what libarchive inflates; nil where it does not.
    private let limit: InflationLimit?
    /// What inflates the archive, where that is not libarchive.
    private var inflating: InflatingSource?
    private var twicePacked: TwicePacked?
    private var entryCount = 0
    private var pathBytes = 0
    private var current: TarEntry?
    private var readOfCurrent: Int64 = 0
    /// What libarchive has given of the current member and was not passed on yet.
    private var block = UnsafeRawBufferPointer(start: nil, count: 0)

    /// - Parameters:
    ///   - name: of the archive, for messages.
    /// - Throws: `StreamError.damaged` if it is no tar.
    public convenience init(_ source: any ByteSource, name: String, limit: InflationLimit = .standard) throws {
        let peeking = PeekingSource(source)
        let format = CompressionFormat.sniff(try peeking.peek(6))
        if format == .gzip || format == .zstd {
            let inflating = try InflatingSource(peeking, format: format, limit: limit, name: name)
            try self.init(Input(inflating), name: name, filter: format, limit: limit)
            self.inflating = inflating
        } else {
            try self.init(Input(peeking), name: name, filter: format, limit: limit)
        }
        if format != .none { twicePacked = TwicePacked(limit, name: name) }
    }

    /// A plain tar on disk, whose members' bytes are passed over by seeking.
    init(file: OpenFile, name: String) throws {
        (archive, input, self.name, limit) = (try Self.make(.none), Input(file), name, nil)
        try open()
    }

    private init(_ input: Input, name: String, filter: CompressionFormat, limit: InflationLimit) throws {
        (archive, self.input, self.name) = (try Self.make(filter), input, name)
        self.limit = filter == .xz || filter == .bzip2 ? limit : nil
        try open()
    }

    deinit { archive_read_free(archive) }

    private static func make(_ filter: CompressionFormat) throws -> OpaquePointer {
        guard let archive = archive_read_new() else { throw StreamError.limit("libarchive cannot allocate a reader") }
        archive_read_support_format_tar(archive)
        if filter == .xz { archive_read_support_filter_xz(archive) }
        if filter == .bzip2 { archive_read_support_filter_bzip2(archive) }
        return archive
    }

    private func open() throws {
        archive_read_set_callback_data(archive, Unmanaged.passUnretained(input).toOpaque())
        archive_read_set_read_callback(archive) { _, data, buffer in
            Unmanaged<Input>.fromOpaque(data!).takeUnretainedValue().next(buffer!)
        }
        archive_read_set_skip_callback(archive) { _, data, count in
            Unmanaged<Input>.fromOpaque(data!).takeUnretainedValue().skip(count)
        }
        if archive_read_open1(archive) != ARCHIVE_OK { throw failure("is no tar archive") }
    }

    /// The next member; nil at the end.
    public func next() throws -> TarEntry? {
        // What libarchive passes over by itself, it inflates without end.
        if limit != nil { while try fillBlock() {} }
        current = nil
        block = UnsafeRawBufferPointer(start: nil, count: 0)
        var header: OpaquePointer?
        let status = archive_read_next_header(archive, &header)
        if status == ARCHIVE_EOF {
            guard entryCount > 0 else { throw StreamError.damaged("\(name) is no tar archive, or an empty one") }
            // What follows the end of the tar is the end of its compression, which tells of truncation.
            try input.drain()
            return nil
        }
        guard status == ARCHIVE_OK || status == ARCHIVE_WARN, let header else {
            throw failure(entryCount == 0 ? "is no tar archive" : "is damaged after \(entryCount) members")
        }
        entryCount += 1
        guard entryCount <= Self.entryLimit else {
            throw StreamError.limit("\(name) has more than \(Self.entryLimit) members")
        }
        try checkInflation()
        let entry = try entry(header)
        pathBytes += entry.path.utf8.count
        guard pathBytes <= Self.pathsLimit else {
            throw StreamError.limit("\(name): the members' paths have more than \(Self.pathsLimit) bytes together")
        }
        current = entry
        readOfCurrent = 0
        twicePacked?.leave(consumed: consumed)
        return entry
    }

    /// The bytes of the member that `next` gave last; good until `next` is called again.
    public func body() -> any ByteSource { Body(self) }

    private func entry(_ header: OpaquePointer) throws -> TarEntry {
        guard let raw = archive_entry_pathname(header) else {
            throw StreamError.damaged("\(name): member \(entryCount) has no readable name")
        }
        let path = try TarPath.normalised(String(cString: raw), in: name)
        let size = archive_entry_size(header)
        guard size >= 0 else { throw StreamError.damaged("\(name): \(path) has the size \(size)") }
        guard archive_entry_sparse_count(header) == 0 else {
            throw StreamError.damaged("\(name): \(path) is a sparse file, which image archives do not have")
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
            throw StreamError.limit(
                "\(name): the link \(path) has a target of \(target.utf8.count) bytes, the limit is "
                    + "\(TarPath.lengthLimit)")
        }
        pathBytes += target.utf8.count
        return target
    }

    private func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        if block.isEmpty, try !fillBlock() { return 0 }
        if readOfCurrent == Int64(block.count) {
            twicePacked?.enter(isPacked: CompressionFormat.sniff(Array(block.prefix(6))) != .none)
            try twicePacked?.add(block.count, consumed: consumed)
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
            if status == ARCHIVE_EOF { return false }
            guard status == ARCHIVE_OK else {
                throw failure(
                    "ends or breaks off inside of \(current.path), \(readOfCurrent) of \(current.size) bytes in")
            }
        } while count == 0
        try checkInflation()
        if readOfCurrent > 0 { try twicePacked?.add(count, consumed: consumed) }
        readOfCurrent += Int64(count)
        block = UnsafeRawBufferPointer(start: start, count: count)
        return true
    }

    /// xz and bzip2 are inflated by libarchive, which knows no limit.
    private func checkInflation() throws {
        try limit?.check(
            consumed: archive_filter_bytes(archive, -1), produced: archive_filter_bytes(archive, 0), name: name)
    }

    /// Bytes of the archive as it lies, of a compressed one.
    private var consumed: Int64 { inflating?.consumed ?? archive_filter_bytes(archive, -1) }

    private func failure(_ what: String) -> any Error {
        if let error = input.error { return error }
        let detail = archive_error_string(archive).map { String(cString: $0) } ?? "no detail"
        let offset = archive_filter_bytes(archive, 0)
        return StreamError.damaged("\(name) \(what), near byte \(offset) (\(detail))")
    }

    private final class Body: ByteSource {
        private let reader: TarReader

        init(_ reader: TarReader) { self.reader = reader }

        func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int { try reader.read(into: buffer) }
    }
}

/// What libarchive's callbacks read from; keeps the error that C cannot carry.
private final class Input {
    private let source: any ByteSource
    private let file: OpenFile?
    private var position: Int64 = 0
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

    func next(_ result: UnsafeMutablePointer<UnsafeRawPointer?>) -> Int {
        do {
            let count = try file?.read(at: position, into: buffer) ?? source.read(into: buffer)
            position += Int64(count)
            result.pointee = UnsafeRawPointer(buffer.baseAddress)
            return count
        } catch {
            self.error = error
            return -1
        }
    }

    /// Reads the rest of what cannot be sought.
    func drain() throws {
        if file == nil { _ = try source.drain() }
    }

    /// - Returns: how far it went: nothing where it cannot seek, and never past the end, so that a
    ///   truncated member is noticed by reading.
    func skip(_ count: Int64) -> Int64 {
        guard let file else { return 0 }
        let skipped = max(0, min(count, file.size - position - 1))
        position += skipped
        return skipped
    }
}

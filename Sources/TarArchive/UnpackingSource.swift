import ByteStreams
import CArchive
import ImageModel

/// What a stream of xz or bzip2 unpacks to, by libarchive, which knows no limit of its own.
final class UnpackingSource: ByteSource {
    private let archive: OpaquePointer
    private let input: ArchiveInput
    private let name: String
    private let limit: InflationLimit
    /// What libarchive has given and was not passed on yet.
    private var block = UnsafeRawBufferPointer(start: nil, count: 0)
    private var isAtEnd = false

    /// - Parameters:
    ///   - format: xz or bzip2. Of what it holds, nothing is unpacked again.
    ///   - name: of what is unpacked, for messages.
    /// - Throws: `ImageError.damaged` if it is of another format.
    init(_ packed: any ByteSource, format: CompressionFormat, limit: InflationLimit, name: String) throws {
        guard let archive = archive_read_new() else { throw ImageError.limit("libarchive cannot allocate a reader") }
        (self.archive, input, self.limit, self.name) = (archive, ArchiveInput(packed), limit, name)
        archive_read_append_filter(archive, format == .xz ? ARCHIVE_FILTER_XZ : ARCHIVE_FILTER_BZIP2)
        archive_read_support_format_raw(archive)
        var header: OpaquePointer?
        guard input.open(archive), archive_read_next_header(archive, &header) == ARCHIVE_OK else { throw failure() }
    }

    deinit { archive_read_free(archive) }

    /// Bytes so far, as they lie.
    var consumed: Int64 { archive_filter_bytes(archive, -1) }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        while block.isEmpty, !isAtEnd { try fillBlock() }
        let count = min(buffer.count, block.count)
        buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: block[..<count]))
        block = UnsafeRawBufferPointer(rebasing: block[count...])
        return count
    }

    private func fillBlock() throws {
        var start: UnsafeRawPointer?
        var count = 0
        var offset: Int64 = 0
        let status = archive_read_data_block(archive, &start, &count, &offset)
        if status == ARCHIVE_EOF {
            isAtEnd = true
            return try input.finish()
        }
        guard status == ARCHIVE_OK else { throw failure() }
        try limit.check(consumed: consumed, produced: archive_filter_bytes(archive, 0), name: name)
        block = UnsafeRawBufferPointer(start: start, count: count)
    }

    private func failure() -> any Error {
        if let error = input.error { return error }
        return ImageError.damaged(
            "\(name) is damaged or truncated at compressed offset \(consumed)\(archiveDetail(archive))")
    }
}

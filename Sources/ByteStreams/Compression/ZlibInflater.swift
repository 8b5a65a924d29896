import CZlib

/// Inflates with zlib: gzip where ISA-L is not built in, and as the second opinion of the tests; and what HTTP calls deflate.
package final class ZlibInflater: Inflater {
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)

    package init() {
        stream.initialize(to: z_stream())
        guard dray_inflate_init(stream, 15 + 16) == Z_OK else { fatalError("zlib cannot allocate a decompressor") }
    }

    /// Inflates what HTTP calls deflate: with zlib's header, as the standard says, or without it, as some servers do.
    ///
    /// - Parameter start: its first two bytes.
    package init(deflate start: [UInt8]) {
        let hasHeader =
            start.count == 2 && start[0] & 0x0f == 8 && (Int(start[0]) << 8 | Int(start[1])).isMultiple(of: 31)
        stream.initialize(to: z_stream())
        guard dray_inflate_init(stream, hasHeader ? 15 : -15) == Z_OK else {
            fatalError("zlib cannot allocate a decompressor")
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    package func inflate(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws
        -> InflaterStep
    {
        stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
        stream.pointee.avail_in = UInt32(input.count)
        stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(min(output.count, 1 << 30))
        let room = Int(stream.pointee.avail_out)
        let status = CZlib.inflate(stream, Z_NO_FLUSH)
        guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else {
            throw InflaterError(
                reason: stream.pointee.msg.map { String(cString: $0) } ?? "zlib status \(status)",
                consumed: input.count - Int(stream.pointee.avail_in))
        }
        let step = InflaterStep(
            consumed: input.count - Int(stream.pointee.avail_in), produced: room - Int(stream.pointee.avail_out),
            isAtEnd: status == Z_STREAM_END)
        if step.isAtEnd { inflateReset(stream) }
        return step
    }
}

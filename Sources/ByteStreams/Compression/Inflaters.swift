import CZlib
import CZstd

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

package final class ZstdInflater: Inflater {
    private let context: OpaquePointer
    private let windowLogLimit: Int32

    /// - Parameter windowLogLimit: binary logarithm of the largest window, in bytes. A window is memory that the input asks
    ///   for: 8 MiB and less at all levels but the ultra ones. 27, which is 128 MiB, is what the zstd command takes without
    ///   being told, and what it makes unless told --long=28 or more.
    package init(windowLogLimit: Int32 = 27) {
        guard let context = ZSTD_createDStream() else { fatalError("zstd cannot allocate a decompressor") }
        self.context = context
        self.windowLogLimit = windowLogLimit
        ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, windowLogLimit)
    }

    deinit { ZSTD_freeDStream(context) }

    package func inflate(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws
        -> InflaterStep
    {
        var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let hint = ZSTD_decompressStream(context, &target, &source)
        guard ZSTD_isError(hint) == 0 else {
            let isWindow = ZSTD_getErrorCode(hint) == ZSTD_error_frameParameter_windowTooLarge
            throw InflaterError(
                reason: isWindow
                    ? "it needs a window of more than \(1 << (windowLogLimit - 20)) MiB (compress it again without "
                        + "--long, or with --long=\(windowLogLimit) at most),"
                    : String(cString: ZSTD_getErrorName(hint)),
                consumed: source.pos)
        }
        return InflaterStep(consumed: source.pos, produced: target.pos, isAtEnd: hint == 0)
    }
}

#if ISAL
    import CISAL

    final class ISALInflater: Inflater {
        private let state = UnsafeMutablePointer<inflate_state>.allocate(capacity: 1)
        private var header = GzipHeader()
        private var isFresh = true

        deinit { state.deallocate() }

        func inflate(
            _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
        ) throws -> InflaterStep {
            if isFresh {
                isal_inflate_init(state)
                state.pointee.crc_flag = UInt32(ISAL_GZIP_NO_HDR_VER)
                header = GzipHeader()
                isFresh = false
            }
            guard header.isComplete else {
                return InflaterStep(consumed: try header.consume(input), produced: 0, isAtEnd: false)
            }
            state.pointee.next_in = UnsafeMutablePointer(
                mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
            state.pointee.avail_in = UInt32(input.count)
            state.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
            state.pointee.avail_out = UInt32(min(output.count, 1 << 30))
            let room = Int(state.pointee.avail_out)
            let status = isal_inflate(state)
            let consumed = input.count - Int(state.pointee.avail_in)
            // The positive ones only say that there is no more input or room for now.
            guard [ISAL_DECOMP_OK, ISAL_END_INPUT, ISAL_OUT_OVERFLOW].contains(status) else {
                throw InflaterError(reason: Self.reason(status), consumed: consumed)
            }
            let isAtEnd = state.pointee.block_state == ISAL_BLOCK_FINISH
            isFresh = isAtEnd
            return InflaterStep(
                consumed: consumed, produced: room - Int(state.pointee.avail_out), isAtEnd: isAtEnd)
        }

        private static func reason(_ status: Int32) -> String {
            switch status {
            case ISAL_INVALID_BLOCK, ISAL_INVALID_SYMBOL, ISAL_INVALID_LOOKBACK: "invalid deflate data"
            case ISAL_INVALID_WRAPPER: "invalid gzip header"
            case ISAL_UNSUPPORTED_METHOD: "not deflate"
            case ISAL_INCORRECT_CHECKSUM: "the checksum differs"
            default: "ISA-L status \(status)"
            }
        }
    }
#endif

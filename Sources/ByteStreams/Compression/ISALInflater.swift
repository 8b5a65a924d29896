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

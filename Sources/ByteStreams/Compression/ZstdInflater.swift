import CZstd

final class ZstdInflater: Inflater {
    private let context: OpaquePointer

    init() {
        guard let context = ZSTD_createDStream() else { fatalError("zstd cannot allocate a decompressor") }
        self.context = context
        // 128 MiB, as large as zstd makes a window unless told --long=28 or more. It is memory that the input asks for.
        ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, 27)
    }

    deinit { ZSTD_freeDStream(context) }

    func inflate(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) throws -> InflaterStep {
        var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let hint = ZSTD_decompressStream(context, &target, &source)
        guard ZSTD_isError(hint) == 0 else {
            throw InflaterError(reason: String(cString: ZSTD_getErrorName(hint)), consumed: source.pos)
        }
        return InflaterStep(consumed: source.pos, produced: target.pos, isAtEnd: hint == 0)
    }
}

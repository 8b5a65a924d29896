import CZstd

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

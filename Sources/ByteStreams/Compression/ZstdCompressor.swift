import CZstd
import ImageModel

/// Compresses what is read from another source into one zstd frame with a checksum.
package final class ZstdCompressor: ByteSource {
    package static let defaultLevel = 3

    private let upstream: any ByteSource
    private let context: OpaquePointer
    private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 64)
    private var unread = 0..<0
    private var isInputAtEnd = false
    private var isAtEnd = false

    /// - Parameter level: 1 (fast) to 19 (small).
    package init(_ upstream: any ByteSource, level: Int? = nil) {
        guard let context = ZSTD_createCCtx() else { fatalError("zstd cannot allocate a compressor") }
        self.upstream = upstream
        self.context = context
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Int32(level ?? Self.defaultLevel))
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
    }

    deinit {
        ZSTD_freeCCtx(context)
        input.deallocate()
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        while !isAtEnd {
            if unread.isEmpty, !isInputAtEnd {
                let count = try upstream.read(into: input)
                unread = 0..<count
                isInputAtEnd = count == 0
            }
            var source = ZSTD_inBuffer(src: input.baseAddress, size: unread.upperBound, pos: unread.lowerBound)
            var target = ZSTD_outBuffer(dst: buffer.baseAddress, size: buffer.count, pos: 0)
            let status = ZSTD_compressStream2(context, &target, &source, isInputAtEnd ? ZSTD_e_end : ZSTD_e_continue)
            guard ZSTD_isError(status) == 0 else {
                throw ImageError.damaged("zstd cannot compress: \(String(cString: ZSTD_getErrorName(status)))")
            }
            unread = source.pos..<unread.upperBound
            isAtEnd = isInputAtEnd && status == 0
            if target.pos > 0 { return target.pos }
        }
        return 0
    }
}

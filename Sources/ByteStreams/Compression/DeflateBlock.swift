import CZlib
import Dispatch

#if ISAL
    import CISAL
#endif

/// A block of input and its raw deflate form, ended at a byte border, and the memory for both, used again
/// and again.
///
/// One thread fills it and calls `start`; a worker compresses; `wait` gives it back to the first. The
/// semaphore `done` orders the two. Before it is filled again, its `readers` have to be through as well.
final class DeflateBlock: @unchecked Sendable {
    let input = UnsafeMutableRawBufferPointer.allocate(byteCount: GzipCompressor.blockSize, alignment: 64)
    let output: UnsafeMutableRawBufferPointer
    var inputCount = 0
    private(set) var outputCount = 0
    /// CRC-32 of the input.
    private(set) var checksum: UInt32 = 0
    private let compressor: any Deflater
    private let done = DispatchSemaphore(value: 0)
    /// Who hashes its input or output.
    let readers = BufferReaders()

    init(level: Int) {
        // Data that does not compress grows by a few bytes for each stored block.
        output = .allocate(byteCount: GzipCompressor.blockSize + GzipCompressor.blockSize / 512 + 4096, alignment: 64)
        #if ISAL
            compressor = (1...3).contains(level) ? ISALDeflater(level: level) : ZlibDeflater(level: level)
        #else
            compressor = ZlibDeflater(level: level)
        #endif
    }

    // May be called on a thread that compresses, which must wait for nobody: `GzipCompressor` waits for the readers.
    deinit {
        input.deallocate()
        output.deallocate()
    }

    func start() {
        Workers.compression.submit { [self] in
            let bytes = UnsafeRawBufferPointer(rebasing: input[..<inputCount])
            checksum = compressor.checksum(of: bytes)
            outputCount = compressor.deflate(bytes, into: output)
            done.signal()
        }
    }

    func wait() { done.wait() }
}

/// Compresses one block at a time into raw deflate that ends with an empty stored block.
protocol Deflater: AnyObject {
    func checksum(of bytes: UnsafeRawBufferPointer) -> UInt32
    func deflate(_ bytes: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Int
}

final class ZlibDeflater: Deflater {
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)

    init(level: Int) {
        stream.initialize(to: z_stream())
        guard dray_deflate_init_raw(stream, Int32(level)) == Z_OK else { fatalError("zlib refuses level \(level)") }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    func checksum(of bytes: UnsafeRawBufferPointer) -> UInt32 {
        UInt32(crc32_z(0, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count))
    }

    func deflate(_ bytes: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Int {
        deflateReset(stream)
        stream.pointee.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
        stream.pointee.avail_in = UInt32(bytes.count)
        stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(output.count)
        let status = CZlib.deflate(stream, Z_FULL_FLUSH)
        precondition(status == Z_OK && stream.pointee.avail_in == 0 && stream.pointee.avail_out > 0)
        return output.count - Int(stream.pointee.avail_out)
    }
}

#if ISAL
    final class ISALDeflater: Deflater {
        private let stream = UnsafeMutablePointer<isal_zstream>.allocate(capacity: 1)
        private let scratch: UnsafeMutablePointer<UInt8>
        private let scratchSize: Int
        private let level: Int

        init(level: Int) {
            self.level = level
            scratchSize = Int(dray_level_memory_of(Int32(level)))
            scratch = .allocate(capacity: scratchSize)
        }

        deinit {
            stream.deallocate()
            scratch.deallocate()
        }

        func checksum(of bytes: UnsafeRawBufferPointer) -> UInt32 {
            crc32_gzip_refl(0, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt64(bytes.count))
        }

        func deflate(_ bytes: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Int {
            isal_deflate_init(stream)
            stream.pointee.level = UInt32(level)
            stream.pointee.level_buf = scratch
            stream.pointee.level_buf_size = UInt32(scratchSize)
            stream.pointee.end_of_stream = 0
            stream.pointee.next_in = UnsafeMutablePointer(
                mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
            stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
            stream.pointee.avail_out = UInt32(output.count)
            // Where the body of a stream starts without history, ISA-L 2.30 takes the third byte's hash from a
            // register that holds the stream's address (igzip_icf_body_h1_gr_bt.asm, .write_first_byte), so that
            // the output would differ from run to run. A few first bytes flushed by themselves go another way.
            let first = min(8, bytes.count)
            feed(first, flush: SYNC_FLUSH)
            feed(bytes.count - first, flush: FULL_FLUSH)
            return output.count - Int(stream.pointee.avail_out)
        }

        private func feed(_ count: Int, flush: Int32) {
            stream.pointee.flush = UInt16(flush)
            stream.pointee.avail_in = UInt32(count)
            let status = isal_deflate(stream)
            precondition(status == COMP_OK && stream.pointee.avail_in == 0 && stream.pointee.avail_out > 0)
        }
    }
#endif

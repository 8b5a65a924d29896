import CZlib

/// Compresses what is read from another source into one gzip member, on all processors.
///
/// The input is cut into blocks of a fixed size, each compressed by itself and ended at a byte border;
/// joined in order they are one deflate stream. So the output depends on the input and the level alone.
package final class GzipCompressor: BlockSource {
    package static let defaultLevel = 1
    /// Bytes of input in a block: large enough that forgetting the window costs under one per cent.
    package static let blockSize = 512 << 10

    private let upstream: any ByteSource
    private let level: Int
    private let limit: Int
    private let inputHasher: LaneHasher?
    private let outputHasher: LaneHasher?
    private var underway: [DeflateBlock] = []
    private var spare: [DeflateBlock] = []
    private var current: DeflateBlock?
    /// Header or trailer.
    private let frame = UnsafeMutableRawBufferPointer.allocate(byteCount: 16, alignment: 8)
    private let frameReaders = BufferReaders()
    package var unread = UnsafeRawBufferPointer(start: nil, count: 0)
    private var checksum: UInt32 = 0
    private var length: UInt32 = 0
    private var state = State.beginning

    private enum State {
        case beginning
        case reading
        case inputEnded
        case trailerWritten
    }

    /// - Parameters:
    ///   - level: 0 to 9; nil for the fast default. With ISA-L, 1 to 3 are ISA-L's and the others zlib's.
    ///   - threads: how many blocks are compressed at once; the result is the same.
    ///   - input: gets what is read from `upstream`.
    ///   - output: gets what can be read from here.
    package init(
        _ upstream: any ByteSource, level: Int? = nil, threads: Int = Workers.coreCount,
        hashingInput input: LaneHasher? = nil, output: LaneHasher? = nil
    ) {
        self.upstream = upstream
        self.level = level ?? Self.defaultLevel
        limit = max(1, threads) + 1
        inputHasher = input
        outputHasher = output
    }

    package func nextBlock() throws -> UnsafeRawBufferPointer {
        if state == .beginning {
            state = .reading
            // No name, no time, unknown system: nothing that differs from run to run.
            return made([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff])
        }
        if let block = current { spare.append(block) }
        current = nil
        while state == .reading, underway.count < limit { try startBlock() }
        if let block = underway.first {
            underway.removeFirst()
            block.wait()
            checksum = UInt32(crc32_combine(UInt(checksum), UInt(block.checksum), block.inputCount))
            length &+= UInt32(truncatingIfNeeded: block.inputCount)
            current = block
            return made(block.output[..<block.outputCount], readers: block.readers)
        }
        guard state == .inputEnded else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        state = .trailerWritten
        // A final empty block with fixed codes, then checksum and length.
        return made([0x03, 0x00] + checksum.littleEndianBytes + length.littleEndianBytes)
    }

    private func made(
        _ bytes: Slice<UnsafeMutableRawBufferPointer>, readers: BufferReaders
    ) -> UnsafeRawBufferPointer {
        let block = UnsafeRawBufferPointer(rebasing: bytes)
        outputHasher?.add(block, readers: readers)
        return block
    }

    private func made(_ frameBytes: [UInt8]) -> UnsafeRawBufferPointer {
        frameReaders.wait()
        frame.copyBytes(from: frameBytes)
        return made(frame[..<frameBytes.count], readers: frameReaders)
    }

    private func startBlock() throws {
        let block = spare.isEmpty ? DeflateBlock(level: level) : spare.removeFirst()
        block.readers.wait()
        do {
            try fill(block)
        } catch {
            // What was read so far may still be hashed.
            spare.append(block)
            throw error
        }
        if block.inputCount < Self.blockSize { state = .inputEnded }
        guard block.inputCount > 0 else { return }
        underway.append(block)
        block.start()
    }

    private func fill(_ block: DeflateBlock) throws {
        block.inputCount = 0
        while block.inputCount < Self.blockSize {
            let part = UnsafeMutableRawBufferPointer(rebasing: block.input[block.inputCount...])
            let count = try upstream.read(into: part)
            if count == 0 { break }
            inputHasher?.add(UnsafeRawBufferPointer(rebasing: part[..<count]), readers: block.readers)
            block.inputCount += count
        }
    }

    deinit {
        // Threads may still compress or hash the blocks.
        for block in underway { block.wait() }
        for block in underway + spare + [current].compactMap({ $0 }) { block.readers.wait() }
        frameReaders.wait()
        frame.deallocate()
    }
}

extension UInt32 {
    fileprivate var littleEndianBytes: [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: self >> (8 * $0)) } }
}

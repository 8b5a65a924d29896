import CZlib

/// Compresses what is read from another source into one gzip member, on all processors.
///
/// The input is cut into blocks of a fixed size, each compressed by itself and ended at a byte border;
/// joined in order they are one deflate stream. So the output depends on the input and the level alone.
public final class GzipSource: ByteSource {
    public static let defaultLevel = 1
    /// Bytes of input in a block: large enough that forgetting the window costs under one per cent.
    package static let blockSize = 512 << 10

    private let upstream: any ByteSource
    private let level: Int
    private let limit: Int
    private var underway: [DeflateBlock] = []
    private var spare: [DeflateBlock] = []
    private var current: DeflateBlock?
    private var offset = 0
    private var frame: ArraySlice<UInt8>
    private var checksum: UInt32 = 0
    private var length: UInt32 = 0
    private var state = State.reading

    private enum State {
        case reading
        case inputEnded
        case trailerWritten
    }

    /// - Parameters:
    ///   - level: 0 to 9; nil for the fast default. With ISA-L, 1 to 3 are ISA-L's and the others zlib's.
    ///   - threads: how many blocks are compressed at once; the result is the same.
    public init(_ upstream: any ByteSource, level: Int? = nil, threads: Int = Workers.coreCount) {
        self.upstream = upstream
        self.level = level ?? Self.defaultLevel
        limit = max(1, threads) + 1
        // No name, no time, unknown system: nothing that differs from run to run.
        frame = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]
    }

    public func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        while true {
            if !frame.isEmpty {
                let count = min(buffer.count, frame.count)
                buffer.copyBytes(from: frame.prefix(count))
                frame = frame.dropFirst(count)
                return count
            }
            if let block = current {
                let count = min(buffer.count, block.outputCount - offset)
                buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: block.output[offset..<offset + count]))
                offset += count
                if offset == block.outputCount {
                    spare.append(block)
                    current = nil
                }
                if count > 0 { return count }
            }
            while state == .reading, underway.count < limit { try startBlock() }
            if let next = underway.first {
                underway.removeFirst()
                next.wait()
                checksum = UInt32(crc32_combine(UInt(checksum), UInt(next.checksum), next.inputCount))
                length &+= UInt32(truncatingIfNeeded: next.inputCount)
                current = next
                offset = 0
            } else if state == .inputEnded {
                // A final empty block with fixed codes, then checksum and length.
                frame = [0x03, 0x00] + checksum.littleEndianBytes + length.littleEndianBytes
                state = .trailerWritten
            } else {
                return 0
            }
        }
    }

    private func startBlock() throws {
        let block = spare.popLast() ?? DeflateBlock(level: level)
        block.inputCount = try upstream.fill(block.input)
        if block.inputCount < Self.blockSize { state = .inputEnded }
        guard block.inputCount > 0 else { return }
        underway.append(block)
        block.start()
    }

    deinit {
        // Threads may still be writing into the blocks.
        for block in underway { block.wait() }
    }
}

extension UInt32 {
    fileprivate var littleEndianBytes: [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: self >> (8 * $0)) } }
}

import CSHA256

/// SHA-256 in the middle of a stream, so that whole blocks of two streams can go through the processor together.
///
/// Source: FIPS 180-4, sections 5 and 6.2. Used by one thread at a time.
package final class SHA256State {
    /// Whether this processor has the instructions; without them there must be no state.
    package static let isAvailable = dray_sha256_available()

    /// Bytes.
    private static let blockSize = 64

    private let words = UnsafeMutablePointer<UInt32>.allocate(capacity: 8)
    /// The begin of a block that has not come whole.
    private var rest: [UInt8] = []
    /// Bytes taken in.
    private var count: UInt64 = 0

    package init() {
        // FIPS 180-4, section 5.3.3.
        let first: [UInt32] = [
            0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
        ]
        words.initialize(from: first, count: first.count)
        rest.reserveCapacity(2 * Self.blockSize)
    }

    deinit { words.deallocate() }

    /// Takes in a piece of the stream, but for the whole blocks in it.
    ///
    /// - Returns: those; they are to be taken in before the next piece.
    package func takeEnds(of piece: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        count += UInt64(piece.count)
        var piece = piece[...]
        if !rest.isEmpty {
            let missing = piece.prefix(Self.blockSize - rest.count)
            rest.append(contentsOf: missing)
            piece = piece.dropFirst(missing.count)
            guard rest.count == Self.blockSize else { return UnsafeRawBufferPointer(rebasing: piece) }
            takeRest()
        }
        let tail = piece.suffix(piece.count % Self.blockSize)
        rest.append(contentsOf: tail)
        return UnsafeRawBufferPointer(rebasing: piece.dropLast(tail.count))
    }

    /// Takes in the first of some whole blocks, and leaves the others.
    ///
    /// - Parameter most: bytes.
    package func take(_ blocks: inout UnsafeRawBufferPointer, atMost most: Int) {
        let size = min(blocks.count, most) / Self.blockSize * Self.blockSize
        dray_sha256_blocks(words, blocks.bytes, size / Self.blockSize)
        blocks = UnsafeRawBufferPointer(rebasing: blocks[size...])
    }

    /// Takes in as many whole blocks of one stream as of another, until one has none left.
    package static func take(
        _ blocks: inout UnsafeRawBufferPointer, into state: SHA256State,
        _ others: inout UnsafeRawBufferPointer, into other: SHA256State
    ) {
        let size = min(blocks.count, others.count)
        dray_sha256_blocks_of_two(state.words, blocks.bytes, other.words, others.bytes, size / blockSize)
        blocks = UnsafeRawBufferPointer(rebasing: blocks[size...])
        others = UnsafeRawBufferPointer(rebasing: others[size...])
    }

    /// The hash of everything; nothing can follow.
    package func finish() -> [UInt8] {
        let bits = (count * 8).bigEndian
        rest.append(0x80)
        let used = rest.count + 8
        rest.append(contentsOf: repeatElement(0, count: (Self.blockSize - used % Self.blockSize) % Self.blockSize))
        withUnsafeBytes(of: bits) { rest.append(contentsOf: $0) }
        takeRest()
        return (0..<8).flatMap { word in withUnsafeBytes(of: words[word].bigEndian) { Array($0) } }
    }

    /// - Precondition: there are whole blocks of it.
    private func takeRest() {
        rest.withUnsafeBytes { dray_sha256_blocks(words, $0.bytes, $0.count / Self.blockSize) }
        rest.removeAll(keepingCapacity: true)
    }
}

extension UnsafeRawBufferPointer {
    fileprivate var bytes: UnsafePointer<UInt8>? { baseAddress?.assumingMemoryBound(to: UInt8.self) }
}

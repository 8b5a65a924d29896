import ByteStreams
import ImageModel

/// Gives at most `piece` bytes at a time, and counts what it gave.
final class DribblingSource: ByteSource {
    private let bytes: [UInt8]
    private let piece: Int
    private(set) var position = 0

    init(_ bytes: [UInt8], piece: Int) {
        self.bytes = bytes
        self.piece = piece
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(piece, buffer.count, bytes.count - position)
        buffer.copyBytes(from: bytes[position..<position + count])
        position += count
        return count
    }
}

/// Gives `count` zeros, then fails if it has an error, and ends otherwise.
final class ZerosSource: ByteSource {
    private var left: Int
    private let error: ImageError?

    init(_ count: Int, then error: ImageError? = nil) {
        left = count
        self.error = error
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let count = min(left, buffer.count)
        if count == 0, let error { throw error }
        UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]).initializeMemory(as: UInt8.self, repeating: 0)
        left -= count
        return count
    }
}

final class CollectingSink: ByteSink {
    private(set) var bytes: [UInt8] = []

    func write(_ piece: UnsafeRawBufferPointer) { bytes += piece }
}

extension ByteSource {
    /// Everything, read `piece` bytes at a time.
    func collect(piece: Int = 512 << 10) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try forEachPiece(of: piece) { bytes += $0 }
        return bytes
    }
}

/// Whether `body` throws `ImageError.damaged`, and with which words.
func damage(_ body: () throws -> Void) throws -> String? {
    do {
        try body()
        return nil
    } catch let error as ImageError where error.code == .damaged {
        return error.message
    }
}

import NIOCore

/// The bytes of an upload that may have to be sent, or sent again: a window that moves along the blob.
struct KeptBytes {
    private static let pieceSize = 128 << 10

    private var pieces: CircularBuffer<ByteBuffer> = []
    /// Where the window begins and ends.
    private(set) var start: Int64 = 0
    private(set) var end: Int64 = 0

    var count: Int64 { end - start }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes
        while !rest.isEmpty {
            let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(Self.pieceSize))
            pieces.append(ByteBuffer(bytes: piece))
            end += Int64(piece.count)
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(piece.count))
        }
    }

    /// Some of the bytes between two offsets that are in the window, from the first on.
    func piece(from first: Int64, to last: Int64) -> ByteBuffer {
        // All pieces but those at the ends have a few sizes only, but no one size: they are walked through.
        var offset = start
        for piece in pieces {
            let next = offset + Int64(piece.readableBytes)
            guard next <= first else {
                var found = piece
                found.moveReaderIndex(forwardBy: Int(first - offset))
                let count = Int(min(Int64(found.readableBytes), last - first))
                return found.readSlice(length: count) ?? ByteBuffer()
            }
            offset = next
        }
        return ByteBuffer()
    }

    mutating func forget(before offset: Int64) {
        while let first = pieces.first, start < offset {
            let count = min(Int64(first.readableBytes), offset - start)
            start += count
            if count == first.readableBytes {
                pieces.removeFirst()
            } else {
                pieces[pieces.startIndex].moveReaderIndex(forwardBy: Int(count))
            }
        }
    }

    mutating func removeAll() {
        pieces = []
        start = end
    }
}

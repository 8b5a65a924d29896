import ImageModel

extension ByteSource {
    /// Reads until `buffer` is full or the source ends; tells how many bytes came.
    package func fill(_ buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        var count = 0
        while count < buffer.count {
            let got = try read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[count...]))
            if got == 0 { break }
            count += got
        }
        return count
    }

    /// All bytes of a small thing.
    ///
    /// - Parameter expected: how many there should be, where that is known: room for so many is made at once.
    /// - Throws: `ImageError.limit` if there are more than `limit` bytes; `name` says of what.
    package func readAll(limit: Int, expected: Int = 0, name: String) throws -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(min(expected, limit))
        // Most documents are small. Large rooms that are given back in between would leave a heap full of holes.
        var size = 4 << 10
        while true {
            let count = try withUnsafeTemporaryAllocation(byteCount: size, alignment: 64) { room in
                let count = try fill(room)
                guard bytes.count + count <= limit else {
                    throw ImageError.limit("\(name) is larger than the limit of \(limit) bytes")
                }
                bytes.append(contentsOf: room[..<count])
                return count
            }
            if count < size { return bytes }
            size = min(size * 2, 64 << 10)
        }
    }

    /// Reads to the end for the sake of reading; tells how many bytes there were.
    package func drain() throws -> Int64 {
        var count: Int64 = 0
        try forEachPiece { count += Int64($0.count) }
        return count
    }

    package func pump(into sink: any ByteSink) throws {
        try forEachPiece { try sink.write($0) }
    }

    /// Calls `body` with all bytes, piece by piece.
    package func forEachPiece(of size: Int = 256 << 10, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 64)
        defer { buffer.deallocate() }
        while true {
            let count = try read(into: buffer)
            if count == 0 { return }
            try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }
}

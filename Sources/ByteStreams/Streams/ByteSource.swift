package import ImageModel

/// Bytes that are pulled, in order, by one reader.
///
/// A source is used by one thread at a time and blocks while it waits: it belongs on a worker thread
/// (see `Workers`), never on the cooperative pool. Sources wrap sources: a verified, inflated tar
/// entry is three of them.
package protocol ByteSource: AnyObject {
    /// Fills `buffer` from its start and returns how many bytes it put there: at least one until the
    /// end, 0 at the end and ever after. It may put fewer than fit.
    ///
    /// - Throws: what stopped the reading. An error is never reported as an end.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int

    /// Writes everything that is left to `sink`.
    func pump(into sink: any ByteSink) throws
}

/// Takes bytes in order, from one writer. Blocks.
package protocol ByteSink: AnyObject {
    /// Takes all of `bytes`.
    func write(_ bytes: UnsafeRawBufferPointer) throws
}

extension ByteSink {
    package func write(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try write($0) }
    }
}

/// Bytes that are at hand.
package final class BytesSource: ByteSource {
    private var rest: ArraySlice<UInt8>

    package init(_ bytes: [UInt8]) { rest = bytes[...] }

    package func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(buffer.count, rest.count)
        rest.withUnsafeBytes { buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        rest = rest.dropFirst(count)
        return count
    }
}

/// Several sources as one, in their order.
package final class ConcatenatedSource: ByteSource {
    private var rest: ArraySlice<any ByteSource>

    package init(_ sources: [any ByteSource]) { rest = sources[...] }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        while let first = rest.first {
            let count = try first.read(into: buffer)
            if count > 0 { return count }
            rest.removeFirst()
        }
        return 0
    }
}

/// Bytes that a closure reads, by the rules of `ByteSource.read(into:)`.
package final class ReadingSource: ByteSource {
    private let fill: (UnsafeMutableRawBufferPointer) throws -> Int

    package init(_ fill: @escaping (UnsafeMutableRawBufferPointer) throws -> Int) { self.fill = fill }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int { try fill(buffer) }
}

/// Hands something that one thread uses to the thread that will use it.
package struct Handover<Value>: @unchecked Sendable {
    package let value: Value

    package init(_ value: Value) { self.value = value }
}

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

    /// Reads bytes that nobody wants; tells how many of `count` the source lacked.
    package func skip(_ count: Int64) throws -> Int64 {
        guard count > 0 else { return 0 }
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 64)
        defer { scratch.deallocate() }
        var rest = count
        while rest > 0 {
            let piece = UnsafeMutableRawBufferPointer(rebasing: scratch[..<Int(min(rest, Int64(scratch.count)))])
            let got = try read(into: piece)
            if got == 0 { break }
            rest -= Int64(got)
        }
        return rest
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

extension DocumentReader {
    /// Reads a document from a source.
    package init(
        _ source: any ByteSource, name: String, members: MemberNames? = nil, acceptsSpellings: Bool = false
    ) {
        self.init(name: name, members: members, acceptsSpellings: acceptsSpellings) { try source.read(into: $0) }
    }
}

/// A source whose first bytes can be looked at before they are read.
package final class PeekingSource: ByteSource {
    private let upstream: any ByteSource
    private var peeked: [UInt8] = []
    private var position = 0

    package init(_ upstream: any ByteSource) { self.upstream = upstream }

    /// The next `count` bytes, or as many as there are.
    package func peek(_ count: Int) throws -> [UInt8] {
        peeked.removeFirst(position)
        position = 0
        while peeked.count < count {
            var more = [UInt8](repeating: 0, count: count - peeked.count)
            let got = try more.withUnsafeMutableBytes { try upstream.read(into: $0) }
            if got == 0 { break }
            peeked += more[..<got]
        }
        return Array(peeked.prefix(count))
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard position < peeked.count else { return try upstream.read(into: buffer) }
        let count = min(buffer.count, peeked.count - position)
        peeked.withUnsafeBytes {
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[position..<position + count]))
        }
        position += count
        return count
    }
}

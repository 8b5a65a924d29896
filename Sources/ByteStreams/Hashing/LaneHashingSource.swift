/// Has what is read through it hashed on the threads that compress, while whoever reads goes on: for what takes a
/// processor of its own, such as inflating.
package final class LaneHashingSource: BlockSource {
    private static let blockSize = 256 << 10
    /// One to be filled, and two that are hashed or written.
    private static let blockCount = 3

    private let upstream: any ByteSource
    private let hasher: LaneHasher
    private let space = UnsafeMutableRawBufferPointer.allocate(byteCount: blockCount * blockSize, alignment: 64)
    private let readers = (0..<blockCount).map { _ in BufferReaders() }
    private var next = 0
    package var unread = UnsafeRawBufferPointer(start: nil, count: 0)

    /// - Parameter hasher: gets what is read.
    package init(_ upstream: any ByteSource, hashedBy hasher: LaneHasher) {
        self.upstream = upstream
        self.hasher = hasher
    }

    deinit {
        for readers in readers { readers.wait() }
        space.deallocate()
    }

    package func nextBlock() throws -> UnsafeRawBufferPointer {
        let readers = readers[next]
        readers.wait()
        let start = next * Self.blockSize
        let block = UnsafeMutableRawBufferPointer(rebasing: space[start..<start + Self.blockSize])
        let filled = UnsafeRawBufferPointer(rebasing: block[..<(try upstream.read(into: block))])
        hasher.add(filled, readers: readers)
        next = (next + 1) % Self.blockCount
        return filled
    }
}

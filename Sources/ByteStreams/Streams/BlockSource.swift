/// A source that has its bytes ready in blocks of its own: whoever takes them as they are saves a copy.
package protocol BlockSource: ByteSource {
    /// The next bytes, until the next call; empty at the end and ever after.
    func nextBlock() throws -> UnsafeRawBufferPointer

    /// What was ready and did not fit into somebody's buffer.
    var unread: UnsafeRawBufferPointer { get set }
}

extension BlockSource {
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        if unread.isEmpty { unread = try nextBlock() }
        let count = min(buffer.count, unread.count)
        buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: unread[..<count]))
        unread = UnsafeRawBufferPointer(rebasing: unread[count...])
        return count
    }

    /// Block by block, without a copy.
    package func pump(into sink: any ByteSink) throws {
        try sink.write(unread)
        unread = UnsafeRawBufferPointer(rebasing: unread[..<0])
        while true {
            let block = try nextBlock()
            if block.isEmpty { return }
            try sink.write(block)
        }
    }
}

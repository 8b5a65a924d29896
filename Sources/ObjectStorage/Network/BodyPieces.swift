import NIOCore
import Synchronization

/// The bytes of a body in pieces, so that TLS never encrypts all of it at once.
final class BodyPieces: AsyncSequence, Sendable {
    private static let size = 256 << 10
    private let bytes: Mutex<ByteBuffer>

    init(_ bytes: ByteBuffer) { self.bytes = Mutex(bytes) }

    /// Gives the memory back; an iteration that has begun goes on.
    func release() { bytes.withLock { $0 = ByteBuffer() } }

    struct AsyncIterator: AsyncIteratorProtocol {
        var rest: ByteBuffer

        mutating func next() async -> ByteBuffer? {
            guard rest.readableBytes > 0 else { return nil }
            return rest.readSlice(length: Swift.min(rest.readableBytes, BodyPieces.size))
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(rest: bytes.withLock { $0 }) }
}

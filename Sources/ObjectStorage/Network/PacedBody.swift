import AsyncHTTPClient
import NIOCore
import Synchronization

/// A large body that is sent piece by piece, each when the connection has taken the one before.
///
/// All at once, TLS would encrypt it at once as well, which takes its size in memory again.
final class PacedBody: Sendable {
    /// Bodies up to this size need no pieces, in bytes.
    static let pieceSize = 256 << 10

    let length: Int64
    private let bytes: Mutex<ByteBuffer>

    init(_ bytes: ByteBuffer) {
        length = Int64(bytes.readableBytes)
        self.bytes = Mutex(bytes)
    }

    /// Gives the memory back: the HTTP client may keep its request for a while after it is answered.
    func release() { bytes.withLock { $0 = ByteBuffer() } }

    var body: HTTPClient.Body {
        .stream(contentLength: length) { writer in Self.send(self.bytes.withLock { $0 }, to: writer) }
    }

    private static func send(_ rest: ByteBuffer, to writer: HTTPClient.Body.StreamWriter) -> EventLoopFuture<Void> {
        var rest = rest
        let piece = rest.readSlice(length: min(rest.readableBytes, pieceSize)) ?? ByteBuffer()
        let written = writer.write(.byteBuffer(piece))
        guard rest.readableBytes > 0 else { return written }
        return written.flatMap { [rest] in send(rest, to: writer) }
    }
}

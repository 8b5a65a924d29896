import ByteStreams
import NIOCore
import NIOHTTP1

/// The answer to a request: status, headers, and a body that is read as it comes.
final class HTTPAnswer: ByteSource, Sendable {
    let status: Int
    let headers: HTTPHeaders
    /// Where it came from, after redirects.
    let address: Address
    private let exchange: HTTPExchange

    init(_ head: HTTPResponseHead, of exchange: HTTPExchange, from address: Address) {
        status = Int(head.status.code)
        headers = head.headers
        self.exchange = exchange
        self.address = address
    }

    deinit { exchange.abandon() }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard let piece = try exchange.next(buffer.count) else { return 0 }
        return piece.withUnsafeReadableBytes { bytes in
            buffer.copyMemory(from: bytes)
            return bytes.count
        }
    }

    /// The whole of a small body.
    func bytes(limit: Int, name: String) throws -> [UInt8] { try readAll(limit: limit, name: name) }

    /// Reads a body that says nothing, so that the connection can be used again.
    func finish() {
        guard length ?? 0 < 64 << 10 else { return }
        _ = try? readAll(limit: 64 << 10, name: "an answer")
    }

    var isSuccess: Bool { (200..<300).contains(status) }
    var length: Int64? { headers.length }
    var location: Address? { headers.location(from: address) }
    var nextPage: Address? { headers.nextPage(from: address) }
    /// Media type without parameters.
    var contentType: String? { headers.contentType }
}

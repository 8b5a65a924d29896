import ByteStreams
import Glibc
import NIOCore
import NIOHTTP1

/// The answer to a request: status, headers, and a body that is read as it comes.
final class HTTPAnswer: ByteSource, Sendable {
    let status: Int
    let headers: HTTPHeaders
    /// Where it came from, after redirects.
    let address: Address
    private let exchange: HTTPExchange

    /// Whether another place than the one that was asked has answered, since that redirected to it.
    let isRedirected: Bool
    /// The header with which the place that answers was asked.
    let authorization: String?

    init(
        _ head: HTTPResponseHead, of exchange: HTTPExchange, from address: Address, isRedirected: Bool = false,
        authorization: String? = nil
    ) {
        status = Int(head.status.code)
        headers = head.headers
        self.exchange = exchange
        self.address = address
        self.isRedirected = isRedirected
        self.authorization = authorization
    }

    deinit { exchange.abandon() }

    /// What broke this answer, with the place that sent it if that is another one than was asked.
    func failure(_ error: any Error) -> any Error {
        isRedirected ? RedirectFailure(target: address, cause: error) : error
    }

    /// Bytes as they travel, with the coding that they have on their way.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard let piece = try exchange.next(buffer.count) else { return 0 }
        return piece.withUnsafeReadableBytes { bytes in
            buffer.copyMemory(from: bytes)
            return bytes.count
        }
    }

    /// The body itself.
    ///
    /// - Throws: `ImageError` for a coding that cannot be read.
    func content(name: String) throws -> any ByteSource {
        guard let coding else { return self }
        return try ContentCoding.decoded(self, coding, name: name)
    }

    /// The whole of a small body.
    func bytes(limit: Int, name: String) throws -> [UInt8] {
        try content(name: name).readAll(limit: limit, name: name)
    }

    /// Reads a body that says nothing, so that the connection can be used again.
    func finish() {
        guard headers.length ?? 0 < 64 << 10 else { return }
        _ = try? readAll(limit: 64 << 10, name: "an answer")
    }

    var isSuccess: Bool { (200..<300).contains(status) }
    /// The length of the decoded body in bytes; nil if it is unknown.
    var length: Int64? { coding == nil ? headers.length : nil }
    var location: Address? { headers.location(from: address) }
    /// - Throws: see `HTTPHeaders.nextPage`.
    var nextPage: Address? { get throws { try headers.nextPage(from: address) } }
    /// Media type without parameters.
    var contentType: String? { headers.contentType }
    /// The coding that the body has on its way, such as `gzip`.
    var coding: String? { ContentCoding.named(in: headers) }
}

/// A date as HTTP writes it.
package enum HTTPDate {
    /// Seconds since 1970; nil for what is none of the three forms of RFC 9110, section 5.6.7:
    /// `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37 1994`.
    package static func seconds(_ text: String) -> Int? {
        var words = text.split(whereSeparator: { " ,-:".contains($0) }).dropFirst().map(String.init)
        guard words.count >= 6 else { return nil }
        // The last form has the month first and the year last.
        if words.count == 6 { words = [words[1], words[0], words[5], words[2], words[3], words[4]] }
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        guard let month = months.firstIndex(of: words[1]), let day = number(words[0], 1...31),
            let year = number(words[2], 0...9999), let hour = number(words[3], 0...23),
            let minute = number(words[4], 0...59), let second = number(words[5], 0...60)
        else { return nil }
        var parts = tm()
        parts.tm_mday = day
        parts.tm_mon = Int32(month)
        parts.tm_year = year >= 100 ? year - 1900 : year < 70 ? year + 100 : year
        parts.tm_hour = hour
        parts.tm_min = minute
        parts.tm_sec = second
        return timegm(&parts)
    }

    private static func number(_ text: String, _ range: ClosedRange<Int32>) -> Int32? {
        Int32(text).flatMap { range.contains($0) ? $0 : nil }
    }
}

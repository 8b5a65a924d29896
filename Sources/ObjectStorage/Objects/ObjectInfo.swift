import ImageModel
import NIOHTTP1

/// An object as HEAD, GET and listings describe it.
package struct ObjectInfo: Sendable, Hashable {
    package var key: String
    /// Bytes.
    package var size: Int64
    /// Without quotes.
    package var etag: String?
    /// By the server's clock, in seconds since 1970.
    package var lastModified: Int?
    /// Nanoseconds beyond those seconds, which only some listings tell.
    private var fraction = 0

    /// By the server's clock, in nanoseconds since 1970.
    package var changed: Int64? { lastModified.map { Int64($0) * 1_000_000_000 + Int64(fraction) } }

    /// - Parameter time: `2026-12-01T17:12:53.123Z`, as in listings.
    init(key: String, size: Int64, etag: String?, time: String?) {
        self.init(key: key, size: size, etag: etag, lastModified: time.flatMap(Timestamp.parse))
        let digits = time?.split(separator: ".").last?.prefix { $0.isNumber } ?? ""
        guard time?.contains(".") == true, digits.count <= 9, let number = Int(digits) else { return }
        fraction = (0..<9 - digits.count).reduce(number) { value, _ in value * 10 }
    }

    package init(key: String, size: Int64, etag: String? = nil, lastModified: Int? = nil) {
        self.key = key
        self.size = size
        self.etag = etag
        self.lastModified = lastModified
    }

    /// - Parameter size: nil for the length of the answer.
    /// - Throws: `GarbledAnswer` without a length.
    init(key: String, _ answer: Answer, size: Int64? = nil) throws {
        guard let size = size ?? answer.length else { throw GarbledAnswer(problem: "the answer has no Content-Length") }
        self.init(
            key: key, size: size, etag: answer.etag,
            lastModified: answer.headers.first(name: "last-modified").flatMap(HTTPTime.parse))
    }
}

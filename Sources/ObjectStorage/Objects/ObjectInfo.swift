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

import NIOCore
import NIOHTTP1

/// A request to a bucket, before it is signed. It can be sent any number of times.
struct ObjectRequest: Sendable {
    var method: HTTPMethod
    /// nil for the bucket itself.
    var key: String?
    var query: [(name: String, value: String)] = []
    /// Beside those that every request has. Names in lower case.
    var headers: [(name: String, value: String)] = []
    var body: ByteBuffer?
    /// The IAM action that the request needs, such as `s3:GetObject`.
    var permission: String
    /// The end of "cannot ...", such as `read`.
    var action: String
    /// Refusals that the caller understands.
    var accepts: Set<Int> = []
    /// Whether the server may work for minutes before it answers.
    var isSlow = false
    /// Whether the body of the answer is read as a stream, for as long as it takes.
    var isStreamed = false
}

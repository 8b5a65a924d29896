import AsyncHTTPClient
import ImageModel
import NIOCore
import NIOHTTP1
import RegistryClient

/// A URL of the configuration that the registry asks by itself: an endpoint of notifications, or a health check.
///
/// The configured headers, and events, are for its origin alone: a redirect elsewhere is followed without the headers, and
/// by a request with a body not at all. Accounts, proxies and certificates of the user who runs the registry do not count.
enum AskedPlace {
    private static let client = HTTPClient(
        eventLoopGroupProvider: .singleton, configuration: HTTPClient.Configuration(redirectConfiguration: .disallow))

    private static let redirectLimit = 5

    /// A redirect that is not followed.
    struct LeadsElsewhere: Error, CustomStringConvertible {
        let target: Address?
        var description: String {
            guard let target else { return "it redirects to an invalid URL; correct its configuration" }
            return "it redirects to \(target.origin), which is not followed; configure the URL of the right place"
        }
    }

    private struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Sends a request.
    ///
    /// - Parameter timeout: for all of it, redirects among them.
    /// - Returns: the status of the last answer.
    /// - Throws: `LeadsElsewhere`; an error that says why there is no answer.
    static func status(
        _ method: HTTPMethod, _ url: String, _ headers: HTTPHeaders, body: [UInt8]? = nil, timeout: Duration
    ) async throws -> Int {
        guard let start = Address(url) else {
            throw Failure(description: "'\(PrintableURL.value(url))': invalid URL; expected https://HOST/")
        }
        let deadline = NIODeadline.now() + TimeAmount(timeout)
        var address = start
        for _ in 0...redirectLimit {
            var request = HTTPClientRequest(url: address.text)
            request.method = method
            if address.hasSameOrigin(as: start) { request.headers = headers }
            if let body { request.body = .bytes(body) }
            let answer: HTTPClientResponse
            do {
                answer = try await client.execute(request, deadline: deadline)
            } catch  where !(error is CancellationError) {
                throw Failure(description: NetworkFailure.reason(error))
            }
            let isRedirect = [301, 302, 307, 308].contains(answer.status.code)
            guard isRedirect, let location = answer.headers.first(name: "location") else {
                return Int(answer.status.code)
            }
            let next = address.resolving(location)
            guard let next,
                next.hasSameOrigin(as: start) || body == nil && (next.scheme, start.scheme) != ("http", "https")
            else { throw LeadsElsewhere(target: next) }
            address = next
        }
        throw Failure(description: "it redirects more than \(redirectLimit) times")
    }
}

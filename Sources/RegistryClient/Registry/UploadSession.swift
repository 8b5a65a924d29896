import ImageModel
import NIOHTTP1

/// An upload as the registry knows it: where it is, and the requests that concern it.
/// Source: OCI distribution-spec, "Pushing blobs".
final class UploadSession {
    private let registry: Registry
    private let repository: String
    private let title: String
    /// The newest place to upload to; nil while there is no session.
    private(set) var location: Address?
    /// The address of the last request with bytes.
    private(set) var asked: Address?
    /// The address to which that request was redirected; the next one goes there.
    private var redirect: Address?
    private var redirects = 0
    private static let redirectLimit = 10

    private static let octets: HTTPHeaders = ["content-type": "application/octet-stream"]

    init(_ registry: Registry, _ repository: String, title: String) {
        self.registry = registry
        self.repository = repository
        self.title = title
    }

    /// Asks for a place to upload to, if there is none.
    func begin(_ algorithm: Digest.Algorithm?) throws {
        guard location == nil else { return }
        var request = request(.POST, headers: ["content-length": "0"])
        request.path = "\(repository)/blobs/uploads/" + (algorithm == .sha512 ? "?digest-algorithm=sha512" : "")
        let answer = try registry.session.send(request)
        guard answer.location != nil else {
            throw registry.session.failure(request, status: answer.status, problem: "it names no place to upload to")
                .error
        }
        try follow(answer)
    }

    /// Goes where an answer leads; it may name no new place.
    func follow(_ answer: HTTPAnswer) throws {
        if let least = answer.headers.first(name: "oci-chunk-min-length").flatMap({ Int($0) }) {
            registry.uploads.learn(leastChunk: least)
        }
        redirects = 0
        guard let next = answer.location else { return }
        try check(next, in: answer)
        location = next
    }

    /// Goes where a redirect leads, with the next request.
    ///
    /// - Returns: false for any other answer, and after too many redirects.
    func isRedirected(by answer: HTTPAnswer) throws -> Bool {
        guard [301, 302, 307, 308].contains(answer.status), let next = answer.location, redirects < Self.redirectLimit
        else { return false }
        try check(next, in: answer)
        redirects += 1
        redirect = next
        return true
    }

    private func check(_ next: Address, in answer: HTTPAnswer) throws {
        let base = try registry.session.base()
        guard next.scheme == "https" || base.scheme == "http" || !registry.options.verifiesTLS else {
            throw registry.session.failure(
                request(.PATCH), status: answer.status,
                problem:
                    "it wants the upload sent to \(registry.session.secrets.redact(next.origin)), which is not encrypted"
            ).error
        }
        if next.host != base.host, registry.uploads.isNews(next.host) {
            registry.session.remark(
                "\(registry.host) has uploads sent to another host, \(registry.session.secrets.redact(next.origin))")
        }
    }

    // MARK: Requests

    /// The closing request, with all bytes.
    func putAll(_ digest: Digest, size: Int64) throws -> HTTPExchange {
        try open(.PUT, [("digest", digest.description)], Self.octets, .stream(length: size))
    }

    /// - Parameters:
    ///   - length: nil if it is not known.
    ///   - offset: where a chunk begins; nil for all bytes at once.
    func patch(length: Int64?, at offset: Int64?) throws -> HTTPExchange {
        var headers = Self.octets
        if let offset, let length { headers.add(name: "content-range", value: "\(offset)-\(offset + length - 1)") }
        return try open(.PATCH, [], headers, .stream(length: length))
    }

    private func open(
        _ method: HTTPMethod, _ query: [(name: String, value: String)], _ headers: HTTPHeaders, _ body: HTTPRequest.Body
    ) throws -> HTTPExchange {
        guard let location else {
            throw registry.session.failure(request(method), status: nil, problem: "there is no place to upload to")
                .error
        }
        let address = redirect ?? location.adding(query)
        redirect = nil
        asked = address
        return try registry.session.open(
            method, address, headers, body: body, scope: .push(repository), repository: repository)
    }

    /// How many bytes the registry has, as far as it says so.
    ///
    /// - Returns: nil if it knows nothing of the upload.
    func status() -> Int64? {
        guard let location else { return nil }
        var request = request(.GET)
        request.address = location
        guard let answer = try? registry.session.send(request), (try? follow(answer)) != nil else { return nil }
        return answer.headers.uploaded
    }

    /// The closing request after all bytes were sent. Tried once.
    func close(_ digest: Digest) throws -> HTTPAnswer {
        var request = request(
            .PUT, headers: ["content-length": "0", "content-type": "application/octet-stream"])
        request.action = "finish the blob \(digest)"
        guard let location else {
            throw registry.session.failure(request, status: nil, problem: "the upload was not begun").error
        }
        request.address = location.adding([("digest", digest.description)])
        request.isRepeatable = false
        return try registry.session.send(request)
    }

    /// Tells the registry that nothing more comes; if it does not hear, its own cleaning will do.
    func drop() {
        guard let location else { return }
        self.location = nil
        redirect = nil
        let exchange = try? registry.session.open(
            .DELETE, location, [:], body: .none, scope: .push(repository), repository: repository,
            timeout: min(registry.options.timeout, .seconds(5)))
        guard let exchange, let head = try? exchange.head() else { return }
        HTTPAnswer(head, of: exchange, from: location).finish()
    }

    /// What is asked for, for messages and authorisation.
    func request(_ method: HTTPMethod, headers: HTTPHeaders = [:]) -> RegistryRequest {
        RegistryRequest(
            method: method, repository: repository, scope: .push(repository), action: title, headers: headers)
    }
}

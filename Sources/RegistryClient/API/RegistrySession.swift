import AsyncHTTPClient
import ByteStreams
import ImageModel
import ImageTransfer
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// A request to a registry, in the registry's terms.
struct RegistryRequest {
    var method: HTTPMethod
    /// Below `/v2/`, or a whole address.
    var path: String
    var address: Address?
    var repository: String?
    var scope: Scope
    /// What it is for, as the end of "cannot …".
    var action: String
    var headers = HTTPHeaders()
    var body: [UInt8]?
    /// Statuses that are an answer, beside 2xx.
    var expects: Set<Int> = []
    /// Whether it may be tried again.
    var isRepeatable = true
}

/// Talks to one registry: with authorisation, redirects, tries, and errors that say what to do.
///
/// Blocks: belongs on a worker.
final class RegistrySession: Sendable {
    let options: RegistryOptions
    /// How the registry is called in messages and names: `HOST[:PORT]`.
    let host: String
    private let candidates: [Address]
    private let connections: HTTPConnections
    private let keyring: Keyring
    private let reached = Mutex<(base: Address, authorizer: Authorizer)?>(nil)

    init(host: String, options: RegistryOptions, keyring: Keyring) throws {
        self.host = host
        self.options = options
        self.keyring = keyring
        connections = HTTPConnections(options)
        // Docker Hub's registry has another name than its images.
        let server = ["docker.io", "index.docker.io"].contains(host) ? "registry-1.docker.io" : host
        guard let secure = Address("https://\(server)/"), let plain = Address("http://\(server)/") else {
            throw ReferenceError("'\(host)' is no host that could be asked")
        }
        candidates =
            options.plainHTTP ? [plain] : (secure.isLoopback || !options.verifiesTLS ? [secure, plain] : [secure])
    }

    /// Where the registry is, found out on the first call: with TLS if it speaks that.
    func base() throws -> Address { try reach().base }

    var authorizer: Authorizer { get throws { try reach().authorizer } }

    private func reach() throws -> (base: Address, authorizer: Authorizer) {
        if let reached = reached.withLock({ $0 }) { return reached }
        var base = candidates[0]
        if candidates.count > 1 {
            do {
                let exchange = try connections.start(HTTPRequest(method: .GET, address: base.resolving("/v2/") ?? base))
                HTTPAnswer(try exchange.head(), of: exchange, from: base).finish()
            } catch  where Self.isNetwork(error) {
                base = candidates[1]
            }
        }
        let authorizer = Authorizer(base, connections: connections, options: options, keyring: keyring)
        return reached.withLock { reached in
            if let reached { return reached }
            reached = (base, authorizer)
            return (base, authorizer)
        }
    }

    /// Sends a request until it is answered as expected.
    ///
    /// - Throws: `RegistryError`.
    func send(_ request: RegistryRequest) throws -> HTTPAnswer {
        var patience = Patience(options)
        var hasLearned = false
        let (base, authorizer) = try reach()
        guard let start = request.address ?? base.resolving("/v2/" + request.path) else {
            throw error(request, status: nil, problem: "there is no such address")
        }
        var address = start
        var redirects = 0
        while true {
            let answer: HTTPAnswer
            do {
                let exchange = try open(
                    request.method, address, request.headers, body: request.body.map { .bytes($0) } ?? .none,
                    scope: request.scope, repository: request.repository)
                answer = HTTPAnswer(try exchange.head(), of: exchange, from: address)
            } catch  where Self.isNetwork(error) {
                if request.isRepeatable, !Self.isFinal(error), patience.wait() { continue }
                throw self.error(request, status: nil, problem: Self.reason(error), advice: advice(for: error))
            }
            switch answer.status {
            case _ where request.expects.contains(answer.status): return answer
            case 200..<300: return answer
            case 401 where !hasLearned:
                hasLearned = true
                if try authorizer.learn(from: answer, scope: request.scope, repository: request.repository) { continue }
                throw error(request, answer)
            case 301, 302, 303, 307, 308:
                guard request.method == .GET || request.method == .HEAD, redirects < 10, let next = answer.location
                else {
                    throw error(request, answer)
                }
                guard next.scheme == "https" || base.scheme == "http" || !options.verifiesTLS else {
                    throw error(
                        request, status: answer.status,
                        problem: "it redirects to \(next.origin), which is not encrypted")
                }
                redirects += 1
                address = next
            case let status where Self.isPassing(status):
                let wait = answer.headers.retryAfter
                answer.finish()
                if request.isRepeatable, patience.wait(wait) {
                    // What a redirect promised may have passed.
                    address = start
                    redirects = 0
                    continue
                }
                throw error(request, answer)
            default: throw error(request, answer)
            }
        }
    }

    /// Starts a request, with authorisation if it goes to the registry itself.
    func open(
        _ method: HTTPMethod, _ address: Address, _ headers: HTTPHeaders, body: HTTPRequest.Body, scope: Scope,
        repository: String?
    ) throws -> HTTPExchange {
        let (base, authorizer) = try reach()
        var headers = headers
        if address.hasSameOrigin(as: base),
            let authorization = try authorizer.authorization(for: scope, repository: repository)
        {
            headers.replaceOrAdd(name: "authorization", value: authorization)
        }
        return try connections.start(HTTPRequest(method: method, address: address, headers: headers, body: body))
    }

    // MARK: Errors

    func error(_ request: RegistryRequest, _ answer: HTTPAnswer) -> any Error {
        let problem = RegistryProblem(answer)
        return error(
            request, status: answer.status, problem: problem.text, advice: advice(for: answer, problem, request))
    }

    func error(_ request: RegistryRequest, status: Int?, problem: String, advice: String? = nil) -> any Error {
        let redacted = (try? authorizer.redact(problem)) ?? problem
        return RegistryError(
            registry: host, repository: request.repository, action: request.action, status: status, problem: redacted,
            advice: advice)
    }

    private func advice(for answer: HTTPAnswer, _ problem: RegistryProblem, _ request: RegistryRequest) -> String? {
        switch answer.status {
        case 401:
            let known = (try? authorizer.credentials(for: request.repository)) ?? nil
            return known == nil
                ? "log in: dray login \(host)"
                : "user name or password are wrong, or may not do this: dray login \(host)"
        case 403: return "the account may not do this: log in as another, or have it allowed"
        case 404 where problem.codes.contains("NAME_UNKNOWN"):
            return "there is no such repository; some registries want it created first"
        case 405: return "the registry does not do this; deleting may have to be turned on in its configuration"
        case 413: return "something in front of the registry limits the size of requests: raise that limit"
        case 429:
            let wait =
                answer.headers.retryAfter.map { "wait \($0.components.seconds) seconds" } ?? "wait, and try again"
            let limit = answer.headers.first(name: "ratelimit-limit").map { "; the limit is \($0)" } ?? ""
            return wait + limit
        case 500...: return "the registry or a proxy before it is in trouble: try again later"
        default: return nil
        }
    }

    private func advice(for error: any Error) -> String? {
        if error is NIOSSLError || error is BoringSSLError || "\(error)".contains("CERTIFICATE") {
            return "trust its authority with --ca-file, or use --plain-http for a registry without TLS"
        }
        return nil
    }

    /// Refusals that may pass.
    static func isPassing(_ status: Int) -> Bool { status == 408 || status == 429 || (status >= 500 && status != 501) }

    /// Whether something between here and there broke, rather than that something was refused.
    static func isNetwork(_ error: any Error) -> Bool {
        !(error is RegistryError || error is TransferError || error is StreamError || error is ReferenceError
            || error is DocumentError || error is CancellationError || error is BlobLost)
    }

    /// Trying again makes neither a certificate valid nor a name known.
    private static func isFinal(_ error: any Error) -> Bool {
        if let error = error as? NIOConnectionError { return error.connectionErrors.isEmpty }
        if case NIOSSLError.handshakeFailed = error { return true }
        return error is NIOSSLExtraError
    }

    /// What broke, in words.
    static func reason(_ error: any Error) -> String {
        switch error {
        case let error as HTTPClientError where error == .readTimeout || error == .deadlineExceeded:
            return "it does not answer"
        case let error as HTTPClientError where error == .connectTimeout: return "it cannot be reached in time"
        case let error as HTTPClientError where error == .remoteConnectionClosed: return "the connection was closed"
        case let error as HTTPClientError: return error.shortDescription
        case let error as NIOConnectionError:
            return error.connectionErrors.first.map { "it cannot be reached: \(reason($0.error))" }
                ?? "it cannot be reached: its name is not known"
        case let error as IOError: return systemMessage(error.errnoCode)
        default: return "\(error)"
        }
    }
}

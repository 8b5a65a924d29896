import ImageModel
import NIOHTTP1
import Synchronization

/// Talks to one registry: with authorisation, redirects, tries, and errors that say what to do.
///
/// Blocks: belongs on a worker.
final class RegistrySession: Sendable {
    let options: RegistryOptions
    /// How the registry is called in messages and names: `HOST[:PORT]`.
    let host: String
    let secrets = Secrets()
    let keyring: Keyring
    private let candidates: [Address]
    private let connections: HTTPConnections
    private let reached = Mutex<(base: Address, authorizer: Authorizer)?>(nil)

    init(host: String, options: RegistryOptions, keyring: Keyring) throws {
        self.host = host
        self.options = options
        self.keyring = options.credentials.map { Keyring($0) } ?? keyring
        for credentials in self.keyring.all { secrets.add(credentials) }
        for problem in self.keyring.problems {
            options.remark("\(host): \(problem); continuing without these credentials")
        }
        let server = Self.server(of: host)
        guard let secure = Address("https://\(server)/"), let plain = Address("http://\(server)/"), secure.target == "/"
        else { throw ImageError.usage("'\(PrintableURL.value(host))': invalid registry; expected HOST[:PORT]") }
        connections = HTTPConnections(options, to: options.plainHTTP ? plain : secure)
        candidates =
            options.plainHTTP ? [plain] : (secure.isLoopback || !options.verifiesTLS ? [secure, plain] : [secure])
    }

    /// - Parameter base: address that `v2/` is below; it ends with a slash.
    init(base: Address, options: RegistryOptions, keyring: Keyring) {
        host = base.authority
        self.options = options
        self.keyring = keyring
        for credentials in keyring.all { secrets.add(credentials) }
        connections = HTTPConnections(options, to: base)
        candidates = [base]
    }

    /// Docker Hub's registry has another name than its images.
    static func server(of host: String) -> String {
        ["docker.io", "index.docker.io"].contains(host) ? "registry-1.docker.io" : host
    }

    /// Where the registry is, found out on the first call: with TLS if it speaks that.
    func base() throws -> Address { try reach().base }

    var authorizer: Authorizer { get throws { try reach().authorizer } }

    private func reach() throws -> (base: Address, authorizer: Authorizer) {
        if let reached = reached.withLock({ $0 }) { return reached }
        let base = try candidates.count == 1 || speaksTLS(candidates[0]) ? candidates[0] : candidates[1]
        let authorizer = Authorizer(base, connections: connections, keyring: keyring, secrets: secrets)
        return reached.withLock { reached in
            if let reached { return reached }
            reached = (base, authorizer)
            return (base, authorizer)
        }
    }

    /// - Throws: what keeps it from being known. A broken connection or a wrong certificate is no reason to
    ///   go on without TLS.
    private func speaksTLS(_ address: Address) throws -> Bool {
        let probe = HTTPRequest(method: .GET, address: address.resolving("v2/") ?? address)
        do {
            try connections.ask(probe, patience: Patience(options), authorization: { _ in nil }) { $0.finish() }
            return true
        } catch  where NetworkFailure.speaksNoTLS(error) {
            return false
        }
    }

    /// Times that a request is sent with a new token: the first may be about to expire.
    private static let mostRenewals = 2

    /// Sends a request until it is answered as expected, and hands the answer to `use`, which reads as much of
    /// it as is to be read: where the connection breaks under it, all is done again.
    ///
    /// - Throws: `ImageError`, or what `use` throws.
    func send<T>(_ request: RegistryRequest, _ use: (HTTPAnswer) throws -> T) throws -> T {
        var renewals = 0
        do {
            let (base, authorizer) = try reach()
            guard let start = request.address ?? base.resolving("v2/" + request.path) else {
                throw failure(request, status: nil, problem: "there is no such address").error
            }
            let outgoing = HTTPRequest(
                method: request.method, address: start, headers: request.headers,
                body: request.body.map { .bytes($0) } ?? .none)
            while true {
                let used: T? = try connections.ask(
                    outgoing, patience: request.isRepeatable ? Patience(options) : nil,
                    authorization: { address in
                        address.hasSameOrigin(as: base)
                            ? try authorizer.authorization(for: request.scope, repository: request.repository) : nil
                    },
                    { answer in
                        if answer.isSuccess || request.expects(answer) { return try use(answer) }
                        if answer.status == 401, renewals < Self.mostRenewals {
                            renewals += 1
                            let learned = try authorizer.learn(
                                from: answer, scope: request.scope, repository: request.repository,
                                shown: answer.authorization, isAgain: renewals > 1)
                            if learned { return nil }
                        }
                        var failure = failure(request, answer)
                        failure.refusesAccount =
                            answer.status == 401 && answer.authorization?.hasPrefix("Basic ") == true
                        throw failure.error
                    })
                if let used { return used }
            }
        } catch  where NetworkFailure.isOne(error) {
            throw failure(request, brokenBy: error).error
        }
    }

    /// Likewise, where status and headers are all there is to know.
    @discardableResult
    func send(_ request: RegistryRequest) throws -> HTTPAnswer {
        try send(request) { answer in
            answer.finish()
            return answer
        }
    }

    /// Starts a request, with authorisation if it goes to the registry itself.
    func open(
        _ method: HTTPMethod, _ address: Address, _ headers: HTTPHeaders, body: HTTPRequest.Body, scope: Scope,
        repository: String?, timeout: Duration? = nil
    ) throws -> HTTPExchange {
        let (base, authorizer) = try reach()
        var headers = headers
        if address.hasSameOrigin(as: base),
            let authorization = try authorizer.authorization(for: scope, repository: repository)
        {
            headers.replaceOrAdd(name: "authorization", value: authorization)
        }
        return try connections.start(
            HTTPRequest(method: method, address: address, headers: headers, body: body), timeout: timeout)
    }

    /// Tells the user something. What the registry sent of it has to be redacted already.
    func remark(_ text: String) { options.remark(text) }

    // MARK: Errors

    func failure(_ request: RegistryRequest, _ answer: HTTPAnswer) -> RequestFailure {
        var problem = self.problem(request, answer)
        problem.text = secrets.redact(problem.text)
        if problem.text.isEmpty, (300..<400).contains(answer.status) {
            let target = answer.location.map { secrets.redact($0.origin) } ?? "nowhere"
            problem.text = "it redirects to \(target), which is not followed"
        }
        var failure = failure(
            request, status: answer.status, problem: problem.text,
            advice: RegistryAdvice(self).after(answer, problem, request))
        failure.retryAfter = answer.headers.retryAfter
        failure.redirectedTo = answer.isRedirected ? answer.address.origin : nil
        failure.codes = Set(problem.codes)
        return failure
    }

    /// - Parameter problem: what the registry sent of it has to be redacted already; a password may be a word of dray's own.
    func failure(
        _ request: RegistryRequest, status: Int?, problem: String, advice: String? = nil
    ) -> RequestFailure {
        RequestFailure(
            registry: host, repository: request.repository, action: request.action, status: status,
            problem: RegistryProblem.short(problem), advice: advice)
    }

    /// No answer came.
    func failure(_ request: RegistryRequest, brokenBy error: any Error) -> RequestFailure {
        var failure = failure(
            request, status: nil, problem: NetworkFailure.reason(error), advice: NetworkFailure.advice(for: error))
        failure.isTimeout = NetworkFailure.isTimeout(error)
        failure.redirectedTo = (error as? RedirectFailure)?.target.origin
        return failure
    }

    /// The registry's own words. HEAD is answered without any: the same by GET tells them.
    private func problem(_ request: RegistryRequest, _ answer: HTTPAnswer) -> RegistryProblem {
        guard request.method == .HEAD, answer.status >= 400, options.asksForReasons, !answer.isRedirected else {
            return RegistryProblem(answer)
        }
        let told = try? open(
            .GET, answer.address, request.headers, body: .none, scope: request.scope, repository: request.repository)
        guard let told, let head = try? told.head(), Int(head.status.code) == answer.status else {
            told?.abandon()
            return RegistryProblem()
        }
        return RegistryProblem(HTTPAnswer(head, of: told, from: answer.address))
    }
}

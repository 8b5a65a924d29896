import ImageModel
import ImageTransfer
import NIOHTTP1
import Synchronization

/// Gets a registry's requests authorised: Basic, or Bearer with tokens from where the registry sends for them.
///
/// Tokens are kept by scope and fetched anew before they expire. Source: distribution's token authentication
/// documentation (GET) and OAuth2 documentation (POST).
final class Authorizer: Sendable {
    private struct Token {
        var value: String
        var expires: ContinuousClock.Instant
    }

    private struct State {
        var challenge: Challenge?
        var tokens: [Scope: Token] = [:]
        var refreshToken: String?
        var postIsRefused = false
    }

    private let registry: Address
    private let connections: HTTPConnections
    private let options: RegistryOptions
    private let keyring: Keyring
    private let state = Mutex(State())

    init(_ registry: Address, connections: HTTPConnections, options: RegistryOptions, keyring: Keyring) {
        self.registry = registry
        self.connections = connections
        self.options = options
        self.keyring = keyring
    }

    func credentials(for repository: String?) -> Credentials? {
        options.credentials ?? keyring.credentials(for: repository)
    }

    /// The header that a request should carry, as far as the registry has said what it wants.
    func authorization(for scope: Scope, repository: String?) throws -> String? {
        guard let challenge = state.withLock({ $0.challenge }) else { return nil }
        let credentials = credentials(for: repository)
        if challenge.scheme == "basic" { return credentials?.basic }
        if case .registryToken(let token) = credentials { return "Bearer \(token)" }
        if let token = state.withLock({ $0.tokens[scope] }), token.expires > .now { return "Bearer \(token.value)" }
        let token = try fetch(challenge, scope, credentials)
        state.withLock { $0.tokens[scope] = token }
        return "Bearer \(token.value)"
    }

    /// Learns from a refusal.
    ///
    /// - Returns: whether another try makes sense.
    func learn(from answer: HTTPAnswer, scope: Scope, repository: String?) throws -> Bool {
        guard answer.address.hasSameOrigin(as: registry) else { return false }
        let challenges = Challenge.all(in: answer.headers)
        let credentials = credentials(for: repository)
        if let bearer = challenges.first(where: { $0.scheme == "bearer" && $0.parameters["realm"] != nil }) {
            state.withLock { state in
                state.challenge = bearer
                state.tokens[scope] = nil
            }
            if case .registryToken = credentials { return true }
            // What the registry itself asks for, beside what was thought to be enough.
            let token = try fetch(bearer, scope.union(bearer.parameters["scope"]), credentials)
            state.withLock { $0.tokens[scope] = token }
            return true
        }
        if let basic = challenges.first(where: { $0.scheme == "basic" }), credentials?.basic != nil {
            state.withLock { $0.challenge = basic }
            return true
        }
        return false
    }

    /// Takes out of a text what must not be seen.
    func redact(_ text: String) -> String {
        let tokens = state.withLock { state in state.tokens.values.map(\.value) + [state.refreshToken].compactMap { $0 }
        }
        var text = text
        for secret in keyring.secrets + tokens
            + [options.credentials?.secret, options.credentials?.basic].compactMap({ $0 })
        where secret.utf8.count >= 3 {
            text = text.replacing(secret, with: "***")
            if secret.hasPrefix("Basic ") { text = text.replacing(secret.dropFirst(6), with: "***") }
        }
        return text
    }

    // MARK: Tokens

    private struct Answer: Decodable {
        var token: String?
        var accessToken: String?
        /// Seconds.
        var expiresIn: Double?
        var refreshToken: String?

        enum CodingKeys: String, CodingKey {
            case token
            case accessToken = "access_token"
            case expiresIn = "expires_in"
            case refreshToken = "refresh_token"
        }
    }

    private func fetch(_ challenge: Challenge, _ scope: Scope, _ credentials: Credentials?) throws -> Token {
        guard let realm = registry.resolving(challenge.parameters["realm"] ?? "") else {
            throw TransferError.refused("\(registry.origin) names no place to get a token from that could be asked")
        }
        guard realm.scheme == "https" || registry.scheme == "http" || credentials == nil || !options.verifiesTLS else {
            throw TransferError.refused(
                "\(registry.origin) wants the password sent to \(realm.origin), which is not encrypted: refused")
        }
        let service = challenge.parameters["service"]
        let refresh = state.withLock { $0.refreshToken }
        let (identity, postIsRefused): (String?, Bool) = state.withLock { state in
            if case .identityToken(_, let token) = credentials { return (token, state.postIsRefused) }
            return (refresh, state.postIsRefused)
        }
        let answer: HTTPAnswer
        if let identity, !postIsRefused {
            var form = [("grant_type", "refresh_token"), ("refresh_token", identity), ("client_id", "dray")]
            if let service { form.append(("service", service)) }
            if !scope.resources.isEmpty { form.append(("scope", scope.description)) }
            let posted = try ask(
                HTTPRequest(
                    method: .POST, address: realm,
                    headers: ["content-type": "application/x-www-form-urlencoded"],
                    body: .bytes(
                        Array(form.map { "\($0.0)=\(Address.encode($0.1))" }.joined(separator: "&").utf8))))
            if posted.status == 404 || posted.status == 405 {
                state.withLock { $0.postIsRefused = true }
                return try fetch(challenge, scope, credentials)
            }
            answer = posted
        } else {
            var items: [(name: String, value: String)] = []
            if let service { items.append(("service", service)) }
            items += scope.resources.map { ("scope", $0) }
            items.append(("client_id", "dray"))
            if case .password(let user, _) = credentials { items.append(("account", user)) }
            var request = HTTPRequest(method: .GET, address: realm.adding(items))
            switch credentials {
            case .identityToken(let user, let token):
                let basic = Credentials.password(user: user, password: token).basic
                if let basic { request.headers.add(name: "authorization", value: basic) }
            default:
                if let basic = credentials?.basic { request.headers.add(name: "authorization", value: basic) }
            }
            answer = try ask(request)
        }
        guard answer.status == 200 else {
            let problem = RegistryProblem(answer)
            throw RegistryError(
                registry: registry.origin, action: "get a token from \(realm.origin)", status: answer.status,
                problem: redact(problem.text),
                advice: answer.status == 401 || answer.status == 403
                    ? (credentials == nil ? "log in: dray login" : "check user name and password: dray login") : nil)
        }
        let name = "the token from \(realm.origin)"
        let found: Answer
        do {
            found = try Document.decode(Answer.self, from: try answer.bytes(limit: 1 << 20, name: name), name: name)
        } catch is DocumentError {
            throw RegistryError(
                registry: registry.origin, action: "get a token from \(realm.origin)", status: 200,
                problem: "the answer is no token")
        }
        guard let value = found.token ?? found.accessToken, !value.isEmpty,
            value.utf8.allSatisfy({ $0 > 32 && $0 < 127 })
        else {
            throw RegistryError(
                registry: registry.origin, action: "get a token from \(realm.origin)", status: 200,
                problem: "the answer holds no token")
        }
        if let refresh = found.refreshToken { state.withLock { $0.refreshToken = refresh } }
        // Ten seconds early, so that it does not expire on its way; 60 seconds is what the protocol assumes.
        let lifetime = max(1, min(found.expiresIn ?? 60, 86_400))
        return Token(value: value, expires: .now + .seconds(lifetime > 20 ? lifetime - 10 : lifetime / 2))
    }

    private func ask(_ request: HTTPRequest) throws -> HTTPAnswer {
        var patience = Patience(options)
        while true {
            do {
                let exchange = try connections.start(request)
                let answer = HTTPAnswer(try exchange.head(), of: exchange, from: request.address)
                if RegistrySession.isPassing(answer.status), patience.wait(answer.headers.retryAfter) { continue }
                return answer
            } catch  where RegistrySession.isNetwork(error) {
                guard patience.wait() else {
                    throw RegistryError(
                        registry: registry.origin, action: "get a token from \(request.address.origin)", status: nil,
                        problem: RegistrySession.reason(error))
                }
            }
        }
    }
}

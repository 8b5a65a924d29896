import ImageModel
import NIOHTTP1
import Synchronization

/// What a Bearer challenge is answered with.
struct BearerToken {
    var value: String
    var expires: ContinuousClock.Instant
}

/// Fetches tokens from where a registry sends for them. Sources: distribution's token authentication
/// documentation (GET) and its OAuth2 documentation (POST).
final class TokenFetcher: Sendable {
    private struct State {
        /// That were handed out with tokens: each is as good as the account that it was given to.
        var refreshTokens: [Credentials: String] = [:]
        /// Some services know GET alone, some POST alone.
        var refusesPost = false
        var refusesGet = false
    }

    /// Bytes of a token: it has to fit into a header, and servers take 8 KiB to 64 KiB of those.
    private static let tokenLimit = 64 << 10

    private let registry: Address
    private let connections: HTTPConnections
    private let secrets: Secrets
    private let state = Mutex(State())

    init(_ registry: Address, connections: HTTPConnections, secrets: Secrets) {
        self.registry = registry
        self.connections = connections
        self.secrets = secrets
    }

    func fetch(_ challenge: Challenge, _ scope: Scope, _ credentials: Credentials?) throws -> BearerToken {
        guard let realm = registry.resolving(challenge.parameters["realm"] ?? "") else {
            throw ImageError.refused("\(registry.origin) names no place to get a token from that could be asked")
        }
        guard credentials == nil || isSafe(realm) else {
            throw ImageError.refused(
                "\(registry.origin) wants the password sent to \(realm.origin), which is not encrypted: refused")
        }
        guard connections.mayFollow(to: realm, from: registry) else {
            throw ImageError.refused(
                "\(registry.origin) wants a token fetched from \(realm.origin), which is not encrypted: refused")
        }
        let service = challenge.parameters["service"]
        if let token = try refresh(realm, service, scope, credentials) { return token }
        if let token = try get(realm, service, scope, credentials) { return token }
        guard case .password(let user, let password) = credentials else { throw refusal(realm, 405, "", credentials) }
        return try post(
            [("grant_type", "password"), ("username", user), ("password", password)], realm, service, scope, credentials
        ).token(self, realm, credentials)
    }

    /// Whether a password may go there: encrypted; or in the clear where the registry is in the clear as well, on this
    /// machine or as the user wants it.
    private func isSafe(_ realm: Address) -> Bool {
        if realm.scheme == "https" { return true }
        guard registry.scheme == "http" else { return false }
        let options = connections.options
        return realm.host == registry.host || realm.isLoopback || options.plainHTTP || !options.verifiesTLS
    }

    // MARK: The ways to ask

    private enum Reply {
        case token(BearerToken)
        case refused(Int, words: String)

        func token(_ service: TokenFetcher, _ realm: Address, _ credentials: Credentials?) throws -> BearerToken {
            switch self {
            case .token(let token): token
            case .refused(let status, let words): throw service.refusal(realm, status, words, credentials)
            }
        }
    }

    /// With a refresh token: the account's own, or one that came with an earlier token.
    ///
    /// - Returns: nil if there is none that is taken, and another way is left.
    private func refresh(
        _ realm: Address, _ service: String?, _ scope: Scope, _ credentials: Credentials?
    ) throws -> BearerToken? {
        var own: String?
        if case .identityToken(_, let token) = credentials { own = token }
        let given = credentials.flatMap { key in state.withLock { $0.refreshTokens[key] } }
        guard let token = given ?? own, !state.withLock({ $0.refusesPost }) else { return nil }
        let reply = try post(
            [("grant_type", "refresh_token"), ("refresh_token", token)], realm, service, scope, credentials)
        switch reply {
        case .refused(404, _), .refused(405, _):
            state.withLock { $0.refusesPost = true }
            return nil
        case .refused(400, _) where given != nil, .refused(401, _) where given != nil:
            // It has expired; what it was given for is still good.
            if let credentials { state.withLock { $0.refreshTokens[credentials] = nil } }
            return own == nil ? nil : try refresh(realm, service, scope, credentials)
        default: return try reply.token(self, realm, credentials)
        }
    }

    /// - Returns: nil if GET is not known there.
    private func get(
        _ realm: Address, _ service: String?, _ scope: Scope, _ credentials: Credentials?
    ) throws -> BearerToken? {
        guard !state.withLock({ $0.refusesGet }) else { return nil }
        var items: [(name: String, value: String)] = []
        if let service { items.append(("service", service)) }
        items += scope.resources.map { ("scope", $0) }
        items.append(("client_id", "dray"))
        var basic = credentials?.basic
        switch credentials {
        case .password(let user, _): items.append(("account", user))
        case .identityToken(let user, let token): basic = Credentials.basic(user, token)
        default: break
        }
        let reply = try ask(
            HTTPRequest(method: .GET, address: realm.adding(items)), authorization: basic, credentials)
        if case .refused(405, _) = reply, case .password = credentials {
            state.withLock { $0.refusesGet = true }
            return nil
        }
        return try reply.token(self, realm, credentials)
    }

    private func post(
        _ grant: [(String, String)], _ realm: Address, _ service: String?, _ scope: Scope, _ credentials: Credentials?
    ) throws -> Reply {
        var form = grant + [("client_id", "dray")]
        if let service { form.append(("service", service)) }
        if !scope.resources.isEmpty { form.append(("scope", scope.description)) }
        let text = form.map { "\($0.0)=\(PercentEncoding.encode($0.1))" }.joined(separator: "&")
        return try ask(
            HTTPRequest(
                method: .POST, address: realm, headers: ["content-type": "application/x-www-form-urlencoded"],
                body: .bytes(Array(text.utf8)), staysAtOrigin: true), authorization: nil, credentials)
    }

    // MARK: Asking

    private func ask(_ request: HTTPRequest, authorization: String?, _ credentials: Credentials?) throws -> Reply {
        let place = request.address.origin
        do {
            return try connections.ask(
                request, patience: Patience(connections.options),
                authorization: { $0.hasSameOrigin(as: request.address) ? authorization : nil },
                { answer in
                    guard answer.status == 200 else {
                        return .refused(answer.status, words: RegistryProblem(answer).text)
                    }
                    return .token(try token(in: answer, from: place, credentials))
                })
        } catch  where NetworkFailure.isOne(error) {
            throw failure(place, nil, NetworkFailure.reason(error), NetworkFailure.advice(for: error)).error
        }
    }

    private func failure(_ place: String, _ status: Int?, _ problem: String, _ advice: String? = nil) -> RequestFailure
    {
        RequestFailure(
            registry: registry.origin, action: "get a token from \(place)", status: status, problem: problem,
            advice: advice)
    }

    private func token(in answer: HTTPAnswer, from place: String, _ credentials: Credentials?) throws -> BearerToken {
        let name = "the token from \(place)"
        let bytes = try answer.bytes(limit: 1 << 20, name: name)
        let found: TokenAnswer
        do {
            found = try TokenAnswer(bytes, name: name)
        } catch let error as ImageError where error.code == .invalidDocument {
            throw failure(place, 200, error.description).error
        }
        for token in [found.token, found.refreshToken].compactMap(\.self) where token.utf8.count > Self.tokenLimit {
            let size = "a token has \(token.utf8.count >> 10) KiB; expected at most \(Self.tokenLimit >> 10) KiB"
            throw failure(place, 200, size).error
        }
        secrets.add(token: found.token)
        if let refresh = found.refreshToken, let credentials {
            secrets.add(token: refresh)
            state.withLock { state in
                // Accounts of a server may be replaced without end.
                if state.refreshTokens.count >= 100 { state.refreshTokens = [:] }
                state.refreshTokens[credentials] = refresh
            }
        }
        return BearerToken(value: found.token, expires: .now + found.lifetime)
    }

    private func refusal(_ realm: Address, _ status: Int, _ words: String, _ credentials: Credentials?) -> ImageError {
        var advice: String?
        if status == 401 || status == 403 {
            advice =
                (credentials == nil ? "" : "the user name or password is wrong; ")
                + "log in with 'dray login \(registry.authority)', or pass --creds"
        }
        var failure = failure(realm.origin, status, RegistryProblem.short(secrets.redact(words)), advice)
        failure.refusesAccount = status == 401 && credentials != nil
        return failure.error
    }
}

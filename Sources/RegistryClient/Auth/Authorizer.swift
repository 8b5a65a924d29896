import ImageModel
import NIOHTTP1
import Synchronization

/// Gets a registry's requests authorised: Basic, or Bearer with tokens from where the registry sends for them.
///
/// Credentials are used from the first request on, also where a registry answers without them: to anonymous callers it
/// may show less. Tokens are kept by scope and account and fetched anew before they expire.
final class Authorizer: Sendable {
    private struct Key: Hashable {
        var scope: Scope
        var credentials: Credentials?
    }

    private struct State {
        var challenge: Challenge?
        /// Basic, where the registry takes that beside tokens.
        var alternative: Challenge?
        /// Whether the registry was asked for its challenge.
        var hasAsked = false
        var tokens: [Key: BearerToken] = [:]
        /// Whether the catalog takes a password where the rest takes tokens. Source: goharbor/harbor#13573.
        var catalogTakesPassword = false
    }

    private let registry: Address
    private let connections: HTTPConnections
    private let keyring: Keyring
    private let tokens: TokenFetcher
    private let state = Mutex(State())
    /// Held while the registry is asked for its challenge; the last failure of that.
    private let asking = Mutex<(time: ContinuousClock.Instant, error: any Error)?>(nil)

    init(_ registry: Address, connections: HTTPConnections, keyring: Keyring, secrets: Secrets) {
        self.registry = registry
        self.connections = connections
        self.keyring = keyring
        tokens = TokenFetcher(registry, connections: connections, secrets: secrets)
    }

    /// Whether the registry has said how it wants to be asked.
    var isChallenged: Bool { state.withLock { $0.challenge != nil } }

    /// The header that a request should carry.
    ///
    /// - Returns: nil where there are no credentials, and the registry has not asked for a token.
    func authorization(for scope: Scope, repository: String?) throws -> String? {
        let credentials = keyring.credentials(for: repository)
        if case .registryToken(let token) = credentials { return "Bearer \(token)" }
        if credentials != nil { try askForChallenge() }
        guard let challenge = state.withLock({ $0.challenge }), challenge.scheme != "basic" else {
            return credentials?.basic
        }
        if scope == .catalog, state.withLock({ $0.catalogTakesPassword }) { return credentials?.basic }
        let key = Key(scope: scope, credentials: credentials)
        if let token = state.withLock({ $0.tokens[key] }), token.expires > .now { return "Bearer \(token.value)" }
        return try fetchToken(challenge, scope, for: key)
    }

    /// Some registries name a token service that does not exist. Source: siderolabs/image-factory#573.
    ///
    /// - Returns: the header with the token; Basic where there is no token, and the registry takes that as well.
    private func fetchToken(_ challenge: Challenge, _ scope: Scope, for key: Key) throws -> String {
        do {
            let token = try tokens.fetch(challenge, scope, key.credentials)
            keep(token, for: key)
            return "Bearer \(token.value)"
        } catch let error as ImageError {
            // Accounts are closed after a few wrong passwords.
            guard error.code != .unauthorised, let basic = key.credentials?.basic,
                let alternative = state.withLock({ $0.alternative })
            else { throw error }
            state.withLock { $0.challenge = alternative }
            return basic
        }
    }

    /// Finds out, once, how the registry wants to be asked. One that answers without a challenge gets a password as Basic.
    private func askForChallenge() throws {
        func isOpen() -> Bool { state.withLock { !$0.hasAsked && $0.challenge == nil } }
        guard isOpen(), let place = registry.resolving("v2/") else { return }
        let start = ContinuousClock.now
        try asking.withLock { last in
            guard isOpen() else { return }
            // Requests that waited for another one's attempt share its failure.
            if let last, last.time > start { throw last.error }
            do {
                let challenges = try challenges(at: place)
                state.withLock { $0.hasAsked = true }
                if state.withLock({ $0.challenge == nil }) { note(challenges) }
            } catch {
                // It is retried by the request that needs the challenge.
                last = (.now, error)
                throw error
            }
        }
    }

    private func challenges(at place: Address) throws -> [Challenge] {
        try connections.ask(
            HTTPRequest(method: .GET, address: place), patience: nil, authorization: { _ in nil }
        ) { answer in
            defer { answer.finish() }
            guard !NetworkFailure.isPassing(status: answer.status) else { throw Unanswered(status: answer.status) }
            return answer.status == 401 && answer.address.hasSameOrigin(as: registry)
                ? Challenge.all(in: answer.headers) : []
        }
    }

    /// Bearer comes before Basic.
    ///
    /// - Returns: the challenge that is to be met; nil if none of them can be.
    @discardableResult
    private func note(_ challenges: [Challenge]) -> Challenge? {
        let bearer = challenges.first { $0.scheme == "bearer" && $0.parameters["realm"] != nil }
        let basic = challenges.first { $0.scheme == "basic" }
        return state.withLock { state in
            guard let challenge = bearer ?? basic else { return nil }
            state.challenge = challenge
            state.alternative = bearer == nil ? nil : basic
            return challenge
        }
    }

    /// The registry is in trouble at the moment.
    private struct Unanswered: Error, CustomStringConvertible {
        var status: Int
        var description: String { "it answered \(status) to GET /v2/" }
    }

    /// Number and total bytes of tokens to keep: a server may be asked for any number of repositories, and a token service
    /// chooses the length.
    private static let tokenLimit = (count: 1000, bytes: 8 << 20)

    private func keep(_ token: BearerToken, for key: Key) {
        func isFull(_ tokens: [Key: BearerToken]) -> Bool {
            tokens.count >= Self.tokenLimit.count
                || tokens.values.reduce(token.value.utf8.count) { $0 + $1.value.utf8.count } > Self.tokenLimit.bytes
        }
        state.withLock { state in
            if isFull(state.tokens) { state.tokens = state.tokens.filter { $0.value.expires > .now } }
            if isFull(state.tokens) { state.tokens = [:] }
            state.tokens[key] = token
        }
    }

    /// Learns from a refusal.
    ///
    /// - Parameters:
    ///   - shown: the header with which the request was sent: the same one again does not help.
    ///   - isAgain: whether the request was sent with what was learnt before.
    /// - Returns: whether another try makes sense.
    func learn(
        from answer: HTTPAnswer, scope: Scope, repository: String?, shown: String?, isAgain: Bool
    ) throws -> Bool {
        guard answer.address.hasSameOrigin(as: registry) else { return false }
        let credentials = keyring.credentials(for: repository)
        guard let challenge = note(Challenge.all(in: answer.headers)) else { return false }
        guard challenge.scheme == "bearer" else {
            guard let basic = credentials?.basic else { return false }
            return basic != shown && !isAgain
        }
        if case .registryToken = credentials { return !isAgain && shown == nil }
        if isAgain, scope == .catalog, let basic = credentials?.basic, basic != shown {
            state.withLock { $0.catalogTakesPassword = true }
            return true
        }
        // What the registry itself asks for, beside what was thought to be enough.
        let key = Key(scope: scope, credentials: credentials)
        return try fetchToken(challenge, scope.union(challenge.parameters["scope"]), for: key) != shown
    }
}

import ImageModel
import ImageTransfer
import NIOHTTP1
import Synchronization

/// Gets a registry's requests authorised: Basic, or Bearer with tokens from where the registry sends for them.
///
/// Tokens are kept by scope and account and fetched anew before they expire.
final class Authorizer: Sendable {
    private struct Key: Hashable {
        var scope: Scope
        var credentials: Credentials?
    }

    private struct State {
        var challenge: Challenge?
        var tokens: [Key: BearerToken] = [:]
    }

    private let registry: Address
    private let keyring: Keyring
    private let tokens: TokenService
    private let state = Mutex(State())

    init(_ registry: Address, connections: HTTPConnections, keyring: Keyring, secrets: Secrets) {
        self.registry = registry
        self.keyring = keyring
        tokens = TokenService(registry, connections: connections, secrets: secrets)
    }

    /// The header that a request should carry, as far as the registry has said what it wants.
    func authorization(for scope: Scope, repository: String?) throws -> String? {
        guard let challenge = state.withLock({ $0.challenge }) else { return nil }
        let credentials = keyring.credentials(for: repository)
        if challenge.scheme == "basic" { return credentials?.basic }
        if case .registryToken(let token) = credentials { return "Bearer \(token)" }
        let key = Key(scope: scope, credentials: credentials)
        if let token = state.withLock({ $0.tokens[key] }), token.expires > .now { return "Bearer \(token.value)" }
        let token = try tokens.fetch(challenge, scope, credentials)
        state.withLock { $0.tokens[key] = token }
        return "Bearer \(token.value)"
    }

    /// Learns from a refusal.
    ///
    /// - Parameter isAgain: whether the request was sent with what was learnt before: then a new token may help, and the
    ///   same password does not.
    /// - Returns: whether another try makes sense.
    func learn(from answer: HTTPAnswer, scope: Scope, repository: String?, isAgain: Bool) throws -> Bool {
        guard answer.address.hasSameOrigin(as: registry) else { return false }
        let challenges = Challenge.all(in: answer.headers)
        let credentials = keyring.credentials(for: repository)
        if let bearer = challenges.first(where: { $0.scheme == "bearer" && $0.parameters["realm"] != nil }) {
            state.withLock { $0.challenge = bearer }
            if case .registryToken = credentials { return !isAgain }
            // What the registry itself asks for, beside what was thought to be enough.
            let token = try tokens.fetch(bearer, scope.union(bearer.parameters["scope"]), credentials)
            state.withLock { $0.tokens[Key(scope: scope, credentials: credentials)] = token }
            return true
        }
        if let basic = challenges.first(where: { $0.scheme == "basic" }), credentials?.basic != nil {
            state.withLock { $0.challenge = basic }
            return !isAgain
        }
        return false
    }
}

import ImageModel
package import Logging

/// Who may do what is said by a token that another server has signed: `auth.token`.
///
/// What a token does not allow is a 401 with `insufficient_scope`, never a 403: the client is to fetch a better one.
///
/// Source: distribution, "Token Authentication Specification" and registry/auth/token.
package struct TokenAccess: AccessControl {
    private let settings: ServerConfiguration.Token
    private let verifier: TokenVerifier

    /// Reads the files of keys. They are read once, as by the original: a new key needs a new start.
    ///
    /// - Throws: `ImageError.refused`, `ImageError`, `ImageError`.
    package init(_ settings: ServerConfiguration.Token, logger: Logger) throws {
        self.settings = settings
        for (key, value) in [("issuer", settings.issuer), ("service", settings.service)] where value.isEmpty {
            throw ImageError.refused("auth.token.\(key) is missing: it is compared with what tokens say")
        }
        guard !settings.realm.isEmpty || settings.redirectsAutomatically else {
            throw ImageError.refused("auth.token.realm is missing: the URL of the server that gives tokens out")
        }
        let keys = try TrustedKeys(bundle: settings.rootCertificates, keySet: settings.keySet)
        for problem in keys.problems { logger.warning("\(problem)") }
        verifier = TokenVerifier(
            issuer: settings.issuer, audience: settings.service,
            algorithms: try Self.algorithms(settings.signingAlgorithms, logger: logger), keys: keys)
    }

    package func authorize(_ authorization: String?, for items: [AccessItem], origin: String?) async throws -> String? {
        func denied(_ reason: String, error: String? = nil) -> AccessDenied {
            AccessDenied(challenge: challenge(for: items, origin: origin, error: error), reason: reason)
        }
        guard let authorization else { throw denied("no token was given") }
        guard authorization.utf8.count <= TokenVerifier.sizeLimit else {
            throw denied("the token is longer than \(TokenVerifier.sizeLimit) bytes", error: "invalid_token")
        }
        guard
            let token = AuthorizationHeader.credentials(
                authorization, scheme: "bearer", limit: TokenVerifier.sizeLimit)
        else { throw denied("the Authorization header is not Bearer with a token") }
        let claims: TokenClaims
        do {
            claims = try await verifier.claims(of: token)
        } catch let refusal as TokenRefusal {
            throw denied("the token does not count: \(refusal.reason)", error: "invalid_token")
        }
        if let missing = items.first(where: { !claims.allows($0) }) {
            throw denied(
                "the token does not allow \(missing.type):\(missing.name):\(missing.action)",
                error: "insufficient_scope")
        }
        return claims.sub.flatMap { $0.isEmpty ? nil : $0 }
    }

    private func challenge(for items: [AccessItem], origin: String?, error: String?) -> String {
        let redirected = settings.redirectsAutomatically ? origin.map { $0 + settings.redirectPath } : nil
        var parameters = [("realm", redirected ?? settings.realm), ("service", settings.service)]
        if !items.isEmpty { parameters.append(("scope", AuthorizationHeader.scope(of: items))) }
        if let error { parameters.append(("error", error)) }
        return AuthorizationHeader.challenge("Bearer", parameters)
    }

    /// - Parameter names: empty for all.
    private static func algorithms(_ names: [String], logger: Logger) throws -> Set<String> {
        if names.isEmpty { return TokenKey.algorithms }
        let known = TokenKey.algorithms.sorted().joined(separator: ", ")
        for name in names where !TokenKey.algorithms.contains(name) {
            // Configurations of the original may list these: it takes them, though it never has a secret.
            guard ["HS256", "HS384", "HS512"].contains(name) else {
                throw ImageError.refused("auth.token.signingalgorithms: '\(name)' is none of \(known)")
            }
            logger.warning("auth.token.signingalgorithms: \(name) is not accepted, since it has no public key")
        }
        let allowed = TokenKey.algorithms.intersection(names)
        guard !allowed.isEmpty else {
            throw ImageError.refused("auth.token.signingalgorithms has none of \(known)")
        }
        return allowed
    }
}

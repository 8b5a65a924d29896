import ByteStreams
import Glibc

/// Checks a token: its form, what it says, and whose signature it has.
package struct TokenVerifier: Sendable {
    /// Bytes. One that allows a hundred repositories has about ten thousand.
    package static let sizeLimit = 64 << 10
    /// Seconds after which a signature is checked again, since the certificates behind it end as well.
    static let memory = 300.0

    private struct Verified: Sendable {
        var claims: TokenClaims
        var until: Double
    }

    let issuer: String
    /// This registry's `service`.
    let audience: String
    /// Of `TokenKey.algorithms`.
    let algorithms: Set<String>
    let keys: TrustedKeys
    private let verified = VerifiedCache<Verified>(limit: 1024)
    /// Signatures that are checked at once: strangers send tokens too, and may choose the most expensive keys.
    private let checks = FairShare(units: max(1, Workers.coreCount - 1))

    /// - Throws: `TokenRefusal`, `Overload`; `CancellationError` if the client has gone.
    func claims(of token: Substring) async throws -> TokenClaims {
        let now = Double(time(nil))
        let place = verified.key(for: Array(token.utf8))
        if let known = verified[place], now < known.until {
            try known.claims.checkTime(now)
            return known.claims
        }
        let token = try SignedToken(token)
        // What costs nothing comes before what costs: strangers ask too.
        try token.header.check(algorithms: algorithms)
        try token.claims.check(issuer: issuer, audience: audience, now: now)
        try await checks.use(1, for: ClientConnection.currentShare) {
            let key = try await keys.key(for: token.header)
            guard key.verifies(token.signature, of: token.signed, algorithm: token.header.alg) else {
                throw TokenRefusal("its signature is not of the key that it names")
            }
        }
        verified[place] = Verified(claims: token.claims, until: now + Self.memory)
        return token.claims
    }
}

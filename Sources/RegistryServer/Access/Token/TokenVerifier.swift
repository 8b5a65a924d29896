import Glibc
import ImageModel

/// Checks a token: its form, what it says, and whose signature it has.
struct TokenVerifier: Sendable {
    /// Bytes. One that allows a hundred repositories has about ten thousand.
    static let sizeLimit = 64 << 10
    /// Seconds after which a signature is checked again, since the certificates behind it end as well.
    static let memory = 300.0

    private struct Verified: Sendable {
        var claims: TokenClaims
        var until: Double
    }

    private let issuer: String
    private let audience: String
    private let algorithms: Set<String>
    private let keys: TrustedKeys
    private let verified = VerifiedCache<Verified>(limit: 1024)

    /// - Parameters:
    ///   - audience: this registry's `service`.
    ///   - algorithms: of `TokenKey.algorithms`.
    init(issuer: String, audience: String, algorithms: Set<String>, keys: TrustedKeys) {
        self.issuer = issuer
        self.audience = audience
        self.algorithms = algorithms
        self.keys = keys
    }

    func claims(of token: Substring) async throws(TokenRefusal) -> TokenClaims {
        let now = Double(time(nil))
        let place = verified.key(for: Array(token.utf8))
        if let known = verified[place], now < known.until {
            try known.claims.checkTime(now)
            return known.claims
        }
        let parts = token.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, let head = Base64.decodeURL(Substring(parts[0])),
            let body = Base64.decodeURL(Substring(parts[1])), let signature = Base64.decodeURL(Substring(parts[2])),
            !signature.isEmpty
        else { throw TokenRefusal("it is not three parts in base64url") }
        let header = try Self.decode(TokenHeader.self, from: head, name: "its header")
        try header.check(algorithms: algorithms)
        // What costs nothing comes before what costs: strangers ask too.
        let claims = try Self.decode(TokenClaims.self, from: body, name: "what it says")
        try claims.check(issuer: issuer, audience: audience, now: now)
        let key = try await keys.key(for: header)
        let signed = Array(token.utf8[..<parts[1].endIndex])
        guard await key.verifies(signature, of: signed, algorithm: header.alg) else {
            throw TokenRefusal("its signature is not of the key that it names")
        }
        verified[place] = Verified(claims: claims, until: now + Self.memory)
        return claims
    }

    private static func decode<T: Decodable>(
        _ type: T.Type, from bytes: [UInt8], name: String
    ) throws(TokenRefusal) -> T {
        do {
            return try Document.decode(type, from: bytes, name: name, sizeLimit: sizeLimit)
        } catch {
            throw TokenRefusal("\(name) is not JSON of the expected form")
        }
    }
}

import ImageModel

/// A token taken apart: a JSON Web Signature in its compact form, RFC 7515, section 7.1. Nothing in it is to be
/// believed before its signature was verified.
package struct SignedToken: Sendable {
    let header: TokenHeader
    let claims: TokenClaims
    let signature: [UInt8]
    /// What the signature is of.
    let signed: [UInt8]

    /// - Parameter text: no longer than `TokenVerifier.sizeLimit`.
    /// - Throws: `TokenRefusal`.
    package init(_ text: Substring) throws(TokenRefusal) {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, let head = Base64.decodeURL(Substring(parts[0])),
            let body = Base64.decodeURL(Substring(parts[1])), let signature = Base64.decodeURL(Substring(parts[2])),
            !signature.isEmpty
        else { throw TokenRefusal("it is not three parts in base64url") }
        header = try Self.decode(TokenHeader.self, from: head, name: "its header")
        claims = try Self.decode(TokenClaims.self, from: body, name: "what it says")
        self.signature = signature
        signed = Array(text.utf8[..<parts[1].endIndex])
    }

    private static func decode<T: Decodable>(
        _ type: T.Type, from bytes: [UInt8], name: String
    ) throws(TokenRefusal) -> T {
        do {
            return try Document.decode(type, from: bytes, name: name, sizeLimit: TokenVerifier.sizeLimit)
        } catch {
            throw TokenRefusal("\(name) is not JSON of the expected form")
        }
    }
}

/// The JOSE header of a token: RFC 7515, section 4.1. Nothing in it is to be believed.
struct TokenHeader: Decodable {
    var typ: String?
    var alg: String
    var kid: String?
    /// Certificates in base64 of DER, the one that signed first.
    var x5c: [String]?
    var jwk: JSONWebKey?
    /// Extensions that have to be understood.
    var crit: JSONAnything?

    /// Checks what needs no key.
    ///
    /// - Parameter algorithms: those that are allowed, of `TokenKey.algorithms`: never `none`, and never one with
    ///   a shared secret, with which a public key would do as the secret.
    func check(algorithms: Set<String>) throws(TokenRefusal) {
        // RFC 7519, section 5.1: the name is a media type, in any case.
        if let typ, !["jwt", "application/jwt", "at+jwt"].contains(typ.lowercased()) {
            throw TokenRefusal("it is of another type than JWT")
        }
        guard crit == nil else { throw TokenRefusal("it has critical extensions, and none is known here") }
        guard algorithms.contains(alg) else { throw TokenRefusal("its algorithm is not one that is allowed") }
    }
}

/// Why a token does not count. For the log: the client is told `invalid_token`, no more.
package struct TokenRefusal: Error {
    /// Holds nothing of the token.
    let reason: String

    init(_ reason: String) { self.reason = reason }
}

/// What a token says: distribution's "Token Authentication Specification", RFC 7519.
struct TokenClaims: Decodable, Sendable {
    /// Seconds by which clocks may differ.
    static let leeway = 60.0

    struct Grant: Decodable, Sendable {
        var type: String
        var name: String
        var actions: [String]?
    }

    /// One, or several of which one has to be this registry.
    struct Audience: Decodable, Sendable {
        var names: [String]

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let name = try? container.decode(String.self) {
                names = [name]
            } else {
                names = try container.decode([String].self)
            }
        }
    }

    var iss: String?
    var sub: String?
    var aud: Audience?
    /// Seconds since 1970. A token without an end has ended.
    var exp: Double?
    /// Seconds since 1970.
    var nbf: Double?
    var access: [Grant]?

    /// - Parameter now: seconds since 1970.
    func check(issuer: String, audience: String, now: Double) throws(TokenRefusal) {
        guard iss == issuer else { throw TokenRefusal("its issuer is not \(issuer)") }
        guard let aud, aud.names.contains(audience) else { throw TokenRefusal("it is not for \(audience)") }
        try checkTime(now)
    }

    func checkTime(_ now: Double) throws(TokenRefusal) {
        guard let exp, now <= exp + Self.leeway else { throw TokenRefusal("it has expired") }
        guard now >= (nbf ?? 0) - Self.leeway else { throw TokenRefusal("it is not valid yet") }
    }

    func allows(_ item: AccessItem) -> Bool {
        (access ?? []).contains {
            $0.type == item.type && $0.name == item.name
                && ($0.actions ?? []).contains { $0 == item.action || $0 == "*" }
        }
    }
}

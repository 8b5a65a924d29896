import ImageModel

/// The JOSE header of a token: RFC 7515, section 4.1. Nothing in it is to be believed.
///
/// JWTKit's own reading of a header is not used: a number beyond Int64 in it ends the process.
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

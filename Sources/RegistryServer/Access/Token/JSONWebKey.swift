import CryptoExtras
import ImageModel
import X509

/// A public key in JSON: RFC 7517, RFC 7518, section 6. Private members are not read.
struct JSONWebKey: Decodable {
    var kty: String
    var kid: String?
    /// `sig`, or `enc` for keys that are for something else.
    var use: String?
    /// The only algorithm that it is for.
    var alg: String?
    var x5c: [String]?
    var n: String?
    var e: String?
    var crv: String?
    var x: String?
    var y: String?

    /// RFC 7638. Says whether this is a known key without making one of what a stranger sent.
    ///
    /// - Returns: nil if members are missing.
    var thumbprint: String? {
        switch kty {
        case "RSA":
            guard let n = n.flatMap({ Base64.decodeURL($0) }), let e = e.flatMap({ Base64.decodeURL($0) }) else {
                return nil
            }
            return Self.thumbprint(modulus: n, exponent: e)
        case "EC":
            guard let crv, let x = x.flatMap({ Base64.decodeURL($0) }), let y = y.flatMap({ Base64.decodeURL($0) })
            else { return nil }
            return Self.thumbprint(curve: crv, x: x, y: y)
        case "OKP":
            guard let crv, let x = x.flatMap({ Base64.decodeURL($0) }) else { return nil }
            return Self.thumbprint(curve: crv, x: x, y: nil)
        default: return nil
        }
    }

    /// - Throws: `TokenRefusal`, or an error of CryptoKit.
    func key() throws -> TokenKey {
        let key: Certificate.PublicKey
        switch (kty, crv) {
        case ("RSA", _):
            key = Certificate.PublicKey(try _RSA.Signing.PublicKey(n: bytes(of: n), e: bytes(of: e)))
        case ("EC", "P-256"): key = .init(try P256.Signing.PublicKey(rawRepresentation: point(32)))
        case ("EC", "P-384"): key = .init(try P384.Signing.PublicKey(rawRepresentation: point(48)))
        case ("EC", "P-521"): key = .init(try P521.Signing.PublicKey(rawRepresentation: point(66)))
        case ("OKP", "Ed25519"): key = .init(try Curve25519.Signing.PublicKey(rawRepresentation: bytes(of: x)))
        default: throw TokenRefusal("it is not a public key of RSA, P-256, P-384, P-521 or Ed25519")
        }
        return try TokenKey(key, algorithm: alg)
    }

    private func bytes(of member: String?) throws(TokenRefusal) -> [UInt8] {
        guard let bytes = member.flatMap({ Base64.decodeURL($0) }) else {
            throw TokenRefusal("a member is missing, or is not base64url")
        }
        return bytes
    }

    /// - Parameter size: of one coordinate, in bytes.
    private func point(_ size: Int) throws(TokenRefusal) -> [UInt8] {
        func coordinate(_ member: String?) throws(TokenRefusal) -> [UInt8] {
            let bytes = try bytes(of: member)
            return [UInt8](repeating: 0, count: max(0, size - bytes.count)) + bytes
        }
        return try coordinate(x) + coordinate(y)
    }

    // MARK: Thumbprints

    static func thumbprint(modulus: some Sequence<UInt8>, exponent: some Sequence<UInt8>) -> String {
        // Numbers have no leading zeros; coordinates have a fixed length.
        let n = Base64.encodeURL(modulus.drop { $0 == 0 })
        let e = Base64.encodeURL(exponent.drop { $0 == 0 })
        return hash(#"{"e":"\#(e)","kty":"RSA","n":"\#(n)"}"#)
    }

    /// - Parameter y: nil for Ed25519.
    static func thumbprint(curve: String, x: some Sequence<UInt8>, y: [UInt8]?) -> String {
        let x = Base64.encodeURL(x)
        guard let y else { return hash(#"{"crv":"\#(curve)","kty":"OKP","x":"\#(x)"}"#) }
        return hash(#"{"crv":"\#(curve)","kty":"EC","x":"\#(x)","y":"\#(Base64.encodeURL(y))"}"#)
    }

    private static func hash(_ text: String) -> String { Base64.encodeURL(SHA256.hash(data: Array(text.utf8))) }
}

import CryptoExtras
import FoundationEssentials
import SwiftASN1
import X509

/// A public key that tokens may be signed by, with what it is called.
struct TokenKey: Sendable {
    private enum Kind: Sendable {
        /// 2048 bits or more.
        case rsa(_RSA.Signing.PublicKey)
        case p256(P256.Signing.PublicKey)
        case p384(P384.Signing.PublicKey)
        case p521(P521.Signing.PublicKey)
        case ed25519(Curve25519.Signing.PublicKey)
    }

    /// All that can be verified by a public key: RFC 7518, section 3.1, and RFC 8037.
    static let algorithms: Set<String> = [
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
    ]

    private let kind: Kind
    /// The only one that it is for; nil for all that fit it.
    private let algorithm: String?
    /// RFC 7638: base64url of SHA-256.
    let thumbprint: String
    /// docker/libtrust's: 12 groups of 4 characters in base32, of the first 240 bits of the SHA-256 of the key in DER.
    let libtrustID: String

    /// - Throws: an error of X509 or CryptoKit if it is too small, or of a kind that is not known.
    init(_ key: Certificate.PublicKey, algorithm: String? = nil) throws {
        self.algorithm = algorithm
        let document = try key.serializeAsPEM()
        libtrustID = Self.libtrustID(of: document.derBytes)
        if let key = P256.Signing.PublicKey(key) {
            kind = .p256(key)
            thumbprint = Self.thumbprint(curve: "P-256", key.rawRepresentation)
        } else if let key = P384.Signing.PublicKey(key) {
            kind = .p384(key)
            thumbprint = Self.thumbprint(curve: "P-384", key.rawRepresentation)
        } else if let key = P521.Signing.PublicKey(key) {
            kind = .p521(key)
            thumbprint = Self.thumbprint(curve: "P-521", key.rawRepresentation)
        } else if let key = Curve25519.Signing.PublicKey(key) {
            kind = .ed25519(key)
            thumbprint = JSONWebKey.thumbprint(curve: "Ed25519", x: key.rawRepresentation, y: nil)
        } else {
            let key = try _RSA.Signing.PublicKey(pemRepresentation: document.pemString)
            let numbers = try key.getKeyPrimitives()
            kind = .rsa(key)
            thumbprint = JSONWebKey.thumbprint(modulus: numbers.modulus, exponent: numbers.publicExponent)
        }
    }

    /// Whether `signature` is this key's, made by `algorithm`, which has to fit the kind of the key.
    func verifies(_ signature: [UInt8], of bytes: [UInt8], algorithm: String) -> Bool {
        guard self.algorithm ?? algorithm == algorithm else { return false }
        // A signature of the wrong length is an error there.
        func ecdsa<S>(_ make: ([UInt8]) throws -> S, _ isValid: (S) -> Bool) -> Bool {
            (try? make(signature)).map(isValid) ?? false
        }
        switch (kind, algorithm) {
        case (.rsa(let key), "RS256"), (.rsa(let key), "PS256"):
            return Self.verifies(key, signature, SHA256.hash(data: bytes), algorithm)
        case (.rsa(let key), "RS384"), (.rsa(let key), "PS384"):
            return Self.verifies(key, signature, SHA384.hash(data: bytes), algorithm)
        case (.rsa(let key), "RS512"), (.rsa(let key), "PS512"):
            return Self.verifies(key, signature, SHA512.hash(data: bytes), algorithm)
        case (.p256(let key), "ES256"):
            return ecdsa(P256.Signing.ECDSASignature.init(rawRepresentation:)) {
                key.isValidSignature($0, for: SHA256.hash(data: bytes))
            }
        case (.p384(let key), "ES384"):
            return ecdsa(P384.Signing.ECDSASignature.init(rawRepresentation:)) {
                key.isValidSignature($0, for: SHA384.hash(data: bytes))
            }
        case (.p521(let key), "ES512"):
            return ecdsa(P521.Signing.ECDSASignature.init(rawRepresentation:)) {
                key.isValidSignature($0, for: SHA512.hash(data: bytes))
            }
        case (.ed25519(let key), "EdDSA"): return key.isValidSignature(signature, for: bytes)
        default: return false
        }
    }

    private static func verifies(
        _ key: _RSA.Signing.PublicKey, _ signature: [UInt8], _ digest: some Digest, _ algorithm: String
    ) -> Bool {
        key.isValidSignature(
            _RSA.Signing.RSASignature(rawRepresentation: signature), for: digest,
            padding: algorithm.hasPrefix("P") ? .PSS : .insecurePKCS1v1_5)
    }

    /// - Parameter point: both coordinates, of equal length.
    private static func thumbprint(curve: String, _ point: Data) -> String {
        let half = point.count / 2
        return JSONWebKey.thumbprint(curve: curve, x: point.prefix(half), y: Array(point.suffix(half)))
    }

    private static func libtrustID(of encoded: [UInt8]) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8)
        var text: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in SHA256.hash(data: encoded).prefix(30) {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 5 {
                count -= 5
                if text.count % 5 == 4 { text.append(UInt8(ascii: ":")) }
                text.append(letters[Int(bits >> UInt32(count) & 31)])
            }
            bits &= 1 << UInt32(count) - 1
        }
        return String(decoding: text, as: UTF8.self)
    }
}

import Crypto
import CryptoExtras
import Foundation
import Testing

/// Keys and certificates made by openssl, and tokens signed by them.
final class TokenWorkshop: Sendable {
    /// Making keys takes a while, so all tests have one, which goes with the process.
    static let shared: Result<TokenWorkshop, any Error> = Result {
        let workshop = try TokenWorkshop()
        atexit { if let workshop = try? TokenWorkshop.shared.get() { workshop.remove() } }
        return workshop
    }

    let directory: String

    init() throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "dray-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try shell(
            """
            set -e
            root() { openssl req -x509 -key $1.pem -subj "/CN=$2" -days 2 -out $1.crt; }
            for name in rsa rsa2 stranger; do openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out $name.pem; done
            openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out small.pem
            for curve in 256 384 521; do openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-$curve -out p$curve.pem; done
            for name in leaf inner old expired one; do openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $name.pem; done
            openssl genpkey -algorithm ED25519 -out ed25519.pem
            for name in rsa p256 p384 p521 ed25519 small; do root $name $name; done
            root rsa2 rsa2 -addext basicConstraints=critical,CA:FALSE
            # A stranger with the name of one that is trusted.
            root stranger rsa
            printf 'basicConstraints=critical,CA:TRUE\\n' >ca.ext
            printf 'basicConstraints=CA:FALSE\\nkeyUsage=critical,digitalSignature\\n' >leaf.ext
            sign() { openssl req -new -key $1.pem -subj /CN=$1 | openssl x509 -req -CA $2.crt -CAkey $2.pem -CAcreateserial "${@:3}" -out $1.crt; }
            sign inner rsa -extfile ca.ext -days 1
            sign leaf inner -extfile leaf.ext -days 1
            sign old rsa -extfile leaf.ext -days -1
            sign expired rsa -extfile leaf.ext -days -1
            # Not an authority, since version 1 cannot say so.
            sign one rsa -days 1
            cp leaf.crt leaf-of-inner.crt; sign leaf one -extfile leaf.ext -days 1; mv leaf.crt leaf-of-one.crt; mv leaf-of-inner.crt leaf.crt
            for name in *.crt; do openssl x509 -in $name -outform DER -out ${name%.crt}.der; done
            for name in *.pem; do openssl pkey -in $name -pubout -out ${name%.pem}.pub; done
            cat rsa.crt rsa2.crt p256.crt p384.crt p521.crt ed25519.crt small.crt expired.crt >bundle
            """)
    }

    deinit { remove() }

    private func remove() { try? FileManager.default.removeItem(atPath: directory) }

    @discardableResult
    func shell(_ script: String) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments = ["-c", script]
        process.currentDirectoryURL = URL(filePath: directory)
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(script)")
        return String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    subscript(_ name: String) -> String { "\(directory)/\(name)" }

    func text(_ name: String) throws -> String { try String(contentsOfFile: self[name], encoding: .utf8) }

    /// Of `x5c`.
    func certificate(_ name: String) throws -> String {
        try Data(contentsOf: URL(filePath: self["\(name).der"])).base64EncodedString()
    }

    /// A signature by a key of this workshop; `HS…` takes the public key for the secret.
    func signature(of bytes: Data, _ name: String, _ algorithm: String) throws -> Data {
        let pem = try text("\(name).pem")
        func hashed<H: HashFunction>(_ function: H.Type) throws -> Data {
            let digest = H.hash(data: bytes)
            switch algorithm.prefix(2) {
            case "RS", "PS":
                let key = try _RSA.Signing.PrivateKey(unsafePEMRepresentation: pem)
                return try key.signature(
                    for: digest, padding: algorithm.hasPrefix("P") ? .PSS : .insecurePKCS1v1_5
                ).rawRepresentation
            case "HS":
                let secret = SymmetricKey(data: Data(try text("\(name).pub").utf8))
                return Data(HMAC<H>.authenticationCode(for: bytes, using: secret))
            default:
                switch algorithm {
                case "ES256":
                    return try P256.Signing.PrivateKey(pemRepresentation: pem).signature(for: digest).rawRepresentation
                case "ES384":
                    return try P384.Signing.PrivateKey(pemRepresentation: pem).signature(for: digest).rawRepresentation
                default:
                    return try P521.Signing.PrivateKey(pemRepresentation: pem).signature(for: digest).rawRepresentation
                }
            }
        }
        if algorithm == "EdDSA" {
            // PKCS#8: the key's bytes are the last 32.
            let document = pem.split(separator: "\n").filter { !$0.hasPrefix("-") }.joined()
            let key = try #require(Data(base64Encoded: document))
            return try Curve25519.Signing.PrivateKey(rawRepresentation: key.suffix(32)).signature(for: bytes)
        }
        switch algorithm.suffix(3) {
        case "256": return try hashed(SHA256.self)
        case "384": return try hashed(SHA384.self)
        default: return try hashed(SHA512.self)
        }
    }

    /// - Parameters:
    ///   - signed: by which key and algorithm; nil for no signature.
    ///   - header: JSON.
    ///   - claims: JSON.
    func token(_ signed: (key: String, algorithm: String)?, header: String, claims: String) async throws -> String {
        let text = Self.encode(Data(header.utf8)) + "." + Self.encode(Data(claims.utf8))
        guard let signed else { return text + "." }
        return try text + "." + Self.encode(signature(of: Data(text.utf8), signed.key, signed.algorithm))
    }

    static func encode(_ data: Data) -> String {
        data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}

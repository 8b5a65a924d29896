import Crypto
import Foundation
import JWTKit
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

    /// What signs by a key of this workshop; `HS…` takes the public key for the secret.
    func signer(_ name: String, _ algorithm: String) async throws -> any JWTAlgorithm {
        let keys = JWTKeyCollection()
        let pem = try text("\(name).pem")
        let digest = [DigestAlgorithm.sha256, .sha384, .sha512][
            algorithm.hasSuffix("256") ? 0 : algorithm.hasSuffix("384") ? 1 : 2]
        switch algorithm.prefix(2) {
        case "RS": await keys.add(rsa: try JWTKit.Insecure.RSA.PrivateKey(pem: pem), digestAlgorithm: digest)
        case "PS": await keys.add(pss: try JWTKit.Insecure.RSA.PrivateKey(pem: pem), digestAlgorithm: digest)
        case "HS": await keys.add(hmac: HMACKey(from: try text("\(name).pub")), digestAlgorithm: digest)
        case "Ed": await keys.add(eddsa: try EdDSA.PrivateKey(pem: pem))
        default:
            switch algorithm {
            case "ES256": await keys.add(ecdsa: try ES256PrivateKey(pem: pem))
            case "ES384": await keys.add(ecdsa: try ES384PrivateKey(pem: pem))
            default: await keys.add(ecdsa: try ES512PrivateKey(pem: pem))
            }
        }
        return try await keys.getKey()
    }

    /// - Parameters:
    ///   - signed: by which key and algorithm; nil for no signature.
    ///   - header: JSON.
    ///   - claims: JSON.
    func token(_ signed: (key: String, algorithm: String)?, header: String, claims: String) async throws -> String {
        let text = Self.encode(Data(header.utf8)) + "." + Self.encode(Data(claims.utf8))
        guard let signed else { return text + "." }
        return try await text + "." + Self.encode(Data(signer(signed.key, signed.algorithm).sign(Data(text.utf8))))
    }

    static func encode(_ data: Data) -> String {
        data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}

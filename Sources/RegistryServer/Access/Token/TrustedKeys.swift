import ByteStreams
import FoundationEssentials
import ImageModel
import SwiftASN1
import X509

/// The keys that a token may be signed by: those of a bundle of certificates and whatever these vouch for, and those
/// of a key set.
///
/// Source: distribution, registry/auth/token: `x5c` counts before `jwk`, and that before `kid`.
package struct TrustedKeys: Sendable {
    /// Bytes of a file.
    static let fileLimit = 4 << 20
    /// Certificates of one chain, which strangers send.
    static let chainLimit = 5

    private let roots: Set<Certificate>
    private var keys: [String: TokenKey] = [:]
    /// What in the files does not count, for the log.
    package private(set) var problems: [String] = []

    /// - Parameters:
    ///   - bundle: path of a PEM file.
    ///   - keySet: path of a JSON file, `{"keys": […]}`: RFC 7517, section 5.
    /// - Throws: `ImageError`.
    init(bundle: String?, keySet: String?) throws {
        func read(_ key: String, _ path: String) throws -> (path: String, bytes: [UInt8]) {
            let isBundle = key == "rootcertbundle"
            let bytes =
                isBundle
                ? try PEMFile.read(path, limit: Self.fileLimit) : try TextFile.read(path, limit: Self.fileLimit)
            guard let bytes else {
                throw ImageError.refused("\(key) \(path) is missing")
            }
            return (path, bytes)
        }
        try self.init(
            bundle: bundle.map { try read("rootcertbundle", $0) }, keySet: keySet.map { try read("jwks", $0) })
    }

    /// - Parameters:
    ///   - bundle: a PEM file, with its path for messages.
    ///   - keySet: likewise a JSON file.
    package init(bundle: (path: String, bytes: [UInt8])?, keySet: (path: String, bytes: [UInt8])?) throws {
        var problems: [String] = []
        let certificates =
            try bundle.map { try Self.certificates(in: $0.bytes, path: $0.path, problems: &problems) } ?? []
        self.problems = problems
        roots = Set(certificates)
        for certificate in certificates {
            // An authority's key may be of a kind that no token is signed by.
            if let key = try? TokenKey(certificate.publicKey) { add(key) }
        }
        if let keySet { try add(keySet: keySet.bytes, path: keySet.path) }
        guard !roots.isEmpty || !keys.isEmpty else {
            throw ImageError.refused(
                "auth.token needs the keys that tokens are signed by: rootcertbundle, a PEM file of certificates, "
                    + "or jwks, a JSON file of a key set")
        }
    }

    /// The key that has to have signed a token, by what its header says.
    func key(for header: TokenHeader) async throws(TokenRefusal) -> TokenKey {
        // Without a bundle, no chain can count; the key may still be known by its name.
        if let chain = header.x5c, !chain.isEmpty, !roots.isEmpty { return try await key(of: chain) }
        if let jwk = header.jwk {
            guard let thumbprint = jwk.thumbprint else { throw TokenRefusal("its jwk is not a key") }
            if let known = keys[thumbprint] { return known }
            guard let chain = jwk.x5c, !chain.isEmpty else { throw TokenRefusal("its jwk is not a known key") }
            let key = try await key(of: chain)
            guard key.thumbprint == thumbprint else { throw TokenRefusal("its jwk is not its certificate's key") }
            return key
        }
        guard let kid = header.kid else { throw TokenRefusal("it does not say which key signed it") }
        guard let key = keys[kid] else { throw TokenRefusal("its kid is not a known key's") }
        return key
    }

    // MARK: Chains

    private func key(of chain: [String]) async throws(TokenRefusal) -> TokenKey {
        guard !roots.isEmpty else { throw TokenRefusal("there is no rootcertbundle to check its certificate by") }
        guard chain.count <= Self.chainLimit else { throw TokenRefusal("its chain has too many certificates") }
        let certificates = try Self.certificates(in: chain)
        // Else the ways to build a chain, each a signature to be checked, grow with the factorial of their number.
        guard Set(certificates.map { "\($0.subject)" }).count == certificates.count else {
            throw TokenRefusal("its chain has several certificates for one subject")
        }
        let leaf = certificates[0]
        if roots.contains(leaf) {
            // Trusted as it is: need not be an authority.
            let now = Date()
            guard leaf.notValidBefore <= now, now <= leaf.notValidAfter else {
                throw TokenRefusal("its certificate is not valid now")
            }
        } else {
            // Version 1 cannot say whether it is an authority: the bundle can, a stranger cannot.
            guard certificates.dropFirst().allSatisfy({ $0.version == .v3 || roots.contains($0) }) else {
                throw TokenRefusal("its chain has a certificate of version 1")
            }
            var verifier = Verifier(rootCertificates: CertificateStore(roots)) { RFC5280Policy() }
            let result = await verifier.validate(leaf: leaf, intermediates: CertificateStore(certificates))
            guard case .validCertificate = result else {
                throw TokenRefusal("its certificate does not come from the rootcertbundle")
            }
        }
        guard let key = try? TokenKey(leaf.publicKey) else {
            throw TokenRefusal("its certificate's key is too small, or of an unknown kind")
        }
        return key
    }

    /// The thumbprints of a chain's keys, of which nothing is known yet.
    package static func thumbprints(of chain: [String]) throws(TokenRefusal) -> [String] {
        try certificates(in: chain).compactMap { try? TokenKey($0.publicKey).thumbprint }
    }

    /// - Parameter chain: base64 of DER, the one that signed first.
    private static func certificates(in chain: [String]) throws(TokenRefusal) -> [Certificate] {
        var certificates: [Certificate] = []
        for text in chain {
            guard let bytes = Base64.decode(text), let certificate = try? Certificate(derEncoded: bytes) else {
                throw TokenRefusal("its chain has something that is not a certificate")
            }
            certificates.append(certificate)
        }
        return certificates
    }

    // MARK: Files

    private static func certificates(
        in bytes: [UInt8], path: String, problems: inout [String]
    ) throws -> [Certificate] {
        let documents: [PEMDocument]
        do {
            documents = try PEMDocument.parseMultiple(pemString: String(decoding: bytes, as: UTF8.self))
        } catch {
            throw ImageError.refused("rootcertbundle \(path): invalid; expected certificates (PEM)")
        }
        var certificates: [Certificate] = []
        var number = 0
        for document in documents where document.discriminator == Certificate.defaultPEMDiscriminator {
            number += 1
            do {
                certificates.append(try Certificate(pemDocument: document))
            } catch {
                // X509 refuses RSA keys of less than 2048 bits, and kinds of keys that it does not know.
                problems.append(
                    "\(path): certificate \(number) is damaged or has an unsupported key; expected RSA of at least "
                        + "2048 bits, ECDSA or Ed25519")
            }
        }
        guard !certificates.isEmpty else {
            throw ImageError.refused(
                "rootcertbundle \(path) has \(number) certificates (-----BEGIN CERTIFICATE-----), "
                    + "and none that can be used\(problems.isEmpty ? "" : ": \(problems[0])")")
        }
        return certificates
    }

    private mutating func add(keySet bytes: [UInt8], path: String) throws {
        guard case .array(let set)? = try Document.object(from: bytes, name: path)["keys"] else {
            throw ImageError.invalidDocument("\(path) is no key set: it has no list 'keys'")
        }
        for (position, value) in set.enumerated() {
            // Sets hold keys for other purposes too.
            do {
                let jwk = try Document.decode(JSONWebKey.self, from: try Document.encode(value), name: "it")
                guard jwk.use ?? "sig" == "sig" else { continue }
                let key = try jwk.key()
                if let kid = jwk.kid { keys[kid] = key }
                add(key)
            } catch {
                let reason = (error as? TokenRefusal)?.reason ?? "\(error)"
                problems.append("\(path): key \(position + 1) does not count: \(reason)")
            }
        }
    }

    private mutating func add(_ key: TokenKey) {
        keys[key.thumbprint] = key
        keys[key.libtrustID] = key
    }
}

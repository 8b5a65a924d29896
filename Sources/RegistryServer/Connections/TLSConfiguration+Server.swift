import ByteStreams
import Glibc
import ImageModel
import NIOSSL

extension TLSConfiguration {
    /// - Throws: `ImageError` if a file cannot be used, or a cipher suite is not known.
    init(_ tls: ServerConfiguration.TLS) throws {
        func file<T>(_ path: String, _ content: String, _ parse: ([UInt8]) throws -> T) throws -> T {
            do {
                guard let bytes = try PEMFile.read(path, limit: 16 << 20) else {
                    throw ImageError.io(operation: "open", path: path, errno: ENOENT)
                }
                return try parse(bytes)
            } catch let error as ImageError where error.code == .damaged {
                throw ImageError.refused(error.description)
            } catch let error as ImageError {
                throw ImageError.refused("\(path) cannot be used: \(error)")
            } catch {
                throw ImageError.refused("\(path): invalid; expected \(content) (PEM)")
            }
        }
        let chain = try file(tls.certificate, "a certificate") { try NIOSSLCertificate.fromPEMBytes($0) }
        let key = try file(tls.key, "a private key without a password") {
            try NIOSSLPrivateKey(bytes: $0, format: .pem)
        }
        self = .makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        minimumTLSVersion =
            switch tls.minimumVersion {
            case .tls10: .tlsv1
            case .tls11: .tlsv11
            case .tls12: .tlsv12
            case .tls13: .tlsv13
            }
        if !tls.cipherSuites.isEmpty { try choose(tls.cipherSuites) }
        if !tls.clientAuthorities.isEmpty {
            trustRoots = .certificates(
                try tls.clientAuthorities.flatMap { path in
                    try file(path, "certificates") { try NIOSSLCertificate.fromPEMBytes($0) }
                }
            )
            certificateVerification =
                switch tls.clientAuthentication {
                case .verifyClientCertIfGiven, .requestClientCert: .optionalVerification
                case .requireAnyClientCert, .requireAndVerifyClientCert: .noHostnameVerification
                }
        }
    }

    /// Only these are spoken: where none of them is of TLS 1.2, nothing older than TLS 1.3 is.
    private mutating func choose(_ suites: [String]) throws {
        if let unknown = suites.first(where: { !CipherSuites.names.contains($0) }) {
            throw ImageError.refused(
                "http.tls.ciphersuites: '\(unknown)' is not known; there are "
                    + CipherSuites.names.joined(separator: ", "))
        }
        let chosen = suites.compactMap { CipherSuites.ofTLS12[$0] }
        if chosen.isEmpty { minimumTLSVersion = .tlsv13 } else { cipherSuiteValues = chosen }
    }
}

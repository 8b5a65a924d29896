import NIOSSL

extension TLSConfiguration {
    /// - Throws: `UnusableSetting` if a file cannot be used, or a cipher suite is not known.
    init(_ tls: ServerConfiguration.TLS) throws {
        func file<T>(_ path: String, _ read: () throws -> T) throws -> T {
            do { return try read() } catch { throw UnusableSetting(description: "\(path) cannot be used: \(error)") }
        }
        let chain = try file(tls.certificate) { try NIOSSLCertificate.fromPEMFile(tls.certificate) }
        let key = try file(tls.key) { try NIOSSLPrivateKey(file: tls.key, format: .pem) }
        self = .makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        minimumTLSVersion =
            switch tls.minimumVersion {
            case .tls10: .tlsv1
            case .tls11: .tlsv11
            case .tls12: .tlsv12
            case .tls13: .tlsv13
            }
        if !tls.cipherSuites.isEmpty { cipherSuiteValues = try tls.cipherSuites.compactMap(Self.cipher) }
        if !tls.clientAuthorities.isEmpty {
            trustRoots = .certificates(
                try tls.clientAuthorities.flatMap { path in try file(path) { try NIOSSLCertificate.fromPEMFile(path) } }
            )
            certificateVerification =
                switch tls.clientAuthentication {
                case .verifyClientCertIfGiven, .requestClientCert: .optionalVerification
                case .requireAnyClientCert, .requireAndVerifyClientCert: .noHostnameVerification
                }
        }
    }

    /// - Returns: nil for a suite of TLS 1.3, where there is nothing to choose.
    private static func cipher(_ name: String) throws -> NIOTLSCipher? {
        if ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"].contains(name) {
            return nil
        }
        guard let cipher = ciphers[name] else {
            throw UnusableSetting(
                description: "http.tls.ciphersuites: '\(name)' is not known; there are "
                    + ciphers.keys.sorted().joined(separator: ", "))
        }
        return cipher
    }

    /// Those of TLS 1.2 that Go names and this library has.
    private static let ciphers: [String: NIOTLSCipher] = [
        "TLS_RSA_WITH_AES_128_CBC_SHA": .TLS_RSA_WITH_AES_128_CBC_SHA,
        "TLS_RSA_WITH_AES_256_CBC_SHA": .TLS_RSA_WITH_AES_256_CBC_SHA,
        "TLS_RSA_WITH_AES_128_GCM_SHA256": .TLS_RSA_WITH_AES_128_GCM_SHA256,
        "TLS_RSA_WITH_AES_256_GCM_SHA384": .TLS_RSA_WITH_AES_256_GCM_SHA384,
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": .TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA,
        "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": .TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA,
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": .TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
        "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": .TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": .TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": .TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": .TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": .TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": .TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": .TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ]
}

/// What the configuration says, but cannot be done.
struct UnusableSetting: Error, CustomStringConvertible {
    let description: String
}

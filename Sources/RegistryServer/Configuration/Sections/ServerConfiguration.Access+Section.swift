import ConfigurationFiles

extension ServerConfiguration.Access {
    init(_ section: Section) {
        self = .open
        let kinds = section.keys
        if kinds.count > 1 {
            let names = kinds.map(printable).joined(separator: ", ")
            section.complain(kinds[1], "is one too many of \(names): keep one, for there is one way to sign in")
        }
        for kind in kinds {
            let options = section.section(kind)
            switch kind {
            case "htpasswd":
                options.refuseUnknownKeys()
                let realm = options.require("realm", .text, "write what browsers are to show, such as basic-realm")
                let path = options.require("path", .text, "write the path of the file that htpasswd -B makes")
                if let realm, let path { self = .htpasswd(realm: realm, path: path) }
            case "token":
                if let token = ServerConfiguration.Token(options) { self = .token(token) }
            case "silly":
                let realm = options.require("realm", .text, "write any name")
                let service = options.require("service", .text, "write any name")
                if let realm, let service { self = .silly(realm: realm, service: service) }
            case "none":
                break
            default:
                options.discard()
                section.complain(kind, "there is no such way to sign in: write htpasswd or token")
            }
        }
    }
}

extension ServerConfiguration.Token {
    // Source: RFC 7518 and RFC 8037.
    private static let algorithms = [
        "EdDSA", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512",
    ]
    private static var safeAlgorithms: String { algorithms.joined(separator: ", ") }
    private static func isShared(_ algorithm: String) -> Bool { ["HS256", "HS384", "HS512"].contains(algorithm) }

    init?(_ section: Section) {
        section.refuseUnknownKeys()
        // Clients that are redirected by the registry's own name never see the realm.
        let redirects = section.read("autoredirect", .flag) ?? false
        let realm = section.require("realm", redirects ? .text : .url, "write the token server's URL")
        let service = section.require("service", .text, "write the name by which the token server knows this registry")
        let issuer = section.require("issuer", .text, "write the name that the token server signs with")
        let certificates = section.read("rootcertbundle", .text)
        let keys = section.read("jwks", .text)
        if certificates == nil, keys == nil {
            let advice = "write the path of the certificates that tokens are signed with, or of a key set as jwks"
            section.complain("rootcertbundle", "is missing: \(advice)")
        }
        let redirectPath = section.read("autoredirectpath", .urlPath)
        section.refuseEmpty("signingalgorithms", "write some of \(Self.safeAlgorithms), or leave the key out")
        let signing: [String]? = section.read(
            "signingalgorithms",
            .texts { (name) throws(Complaint) in
                if Self.algorithms.contains(name) || Self.isShared(name) { return }
                let advice = "write some of \(Self.safeAlgorithms)"
                throw Complaint("\(quoted(name)) is no algorithm that tokens may be signed with: \(advice)")
            })
        guard let realm, let service, let issuer else { return nil }
        self.init(realm: realm, service: service, issuer: issuer)
        (rootCertificates, keySet, redirectsAutomatically) = (certificates, keys, redirects)
        self.redirectPath = redirectPath ?? self.redirectPath
        signingAlgorithms = signing ?? []
        guard signingAlgorithms.contains(where: Self.isShared) else { return }
        signingAlgorithms.removeAll(where: Self.isShared)
        let text = "algorithms with a shared secret (HS...) are not taken"
        if signingAlgorithms.isEmpty {
            section.complain("signingalgorithms", "\(text): write some of \(Self.safeAlgorithms)")
        } else {
            section.warn("signingalgorithms", "\(text); the others are")
        }
    }
}

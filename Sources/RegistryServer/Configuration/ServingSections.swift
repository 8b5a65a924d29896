import ConfigurationFiles

extension ServerConfiguration.HTTP {
    private enum Network: String, CaseIterable { case tcp, unix }

    init(_ section: Section) {
        self.init()
        if section.read("net", .choice()) == Network.unix {
            address = section.require("addr", .socket, "write the path of the socket") ?? address
        } else if let given = section.read("addr", .address) {
            address = given
        } else if !section.has("addr") {
            let port = "any free port of all interfaces will be taken"
            section.warn("addr", "is missing: \(port); write addr: ':5000' to have clients find it")
        }
        section.read("host", .location, into: &host)
        section.read("prefix", .prefix, into: &prefix)
        section.read("relativeurls", .flag, into: &hasRelativeURLs)
        section.read("secret", .secret, into: &secret)
        section.read("headers", .headers, into: &headers)
        section.read("draintimeout", .duration, into: &drainTimeout)
        let limits = section.section("connections")
        limits.read("max", .count, into: &connections.most, unless: 0)
        limits.read("maxperclient", .count, into: &connections.mostOfClient, unless: 0)
        section.read("trustedproxies", .networks, into: &trustedProxies)
        section.refuseEmpty("tls", "nothing would be encrypted; write certificate and key, or leave tls out")
        section.refuseMisspellings(of: "tls")
        tls = .init(section.section("tls"))

        let debug = section.section("debug")
        debug.read("addr", .address, into: &debugAddress)
        let prometheus = debug.section("prometheus")
        let path = prometheus.read("path", .urlPath) ?? "/metrics"
        if prometheus.read("enabled", .flag) == true {
            metricsPath = path
            if !debug.has("addr") { debug.warn("addr", "is missing, and with it the place of Prometheus' metrics") }
        }

        // Off is what it is here, and on is the original's default, which clients do well without.
        section.section("http2").read("disabled", .flag)
        section.dismiss("h2c", "dray speaks HTTP/1.1, as proxies like nginx do to what is behind them")
    }
}

extension ServerConfiguration.TLS {
    /// Any of these says that connections are to be encrypted.
    private static let keys = ["certificate", "key", "clientcas", "clientauth", "minimumtls", "ciphersuites"]

    /// nil: plain HTTP.
    init?(_ section: Section) {
        section.refuseUnknownKeys()
        let letsEncrypt = section.section("letsencrypt")
        let cache = letsEncrypt.read("cachefile", .text)
        let hosts = letsEncrypt.read("hosts", .texts) ?? []
        letsEncrypt.accept("email", "directoryurl")
        if cache != nil || !hosts.isEmpty {
            let advice = "have certbot get one, and write its files as http.tls.certificate and http.tls.key"
            section.complain("letsencrypt", "dray gets no certificates: \(advice)")
        }

        for key in Self.keys.dropFirst(2) { section.refuseEmpty(key, "write a value, or leave the key out") }
        let authorities: [String]? = section.read(
            "clientcas",
            .texts { (path) throws(Complaint) in
                if path.isEmpty { throw Complaint("has an empty entry: write the path of a PEM file") }
            })
        if section.has("clientauth"), !section.has("clientcas") {
            section.complain(
                "clientauth", "has no clientcas to check client certificates by: write their PEM files as clientcas")
        }
        let authentication: ClientAuthentication? = section.read("clientauth", .choice())
        let version: Version? = section.read("minimumtls", .choice())
        let suites: [String]? = section.read(
            "ciphersuites",
            .texts { (name) throws(Complaint) in
                guard !CipherSuites.names.contains(name) else { return }
                let names = CipherSuites.names.joined(separator: ", ")
                throw Complaint("\(quoted(name)) is no cipher suite that there is: write some of \(names)")
            })

        guard !Set(section.keys).isDisjoint(with: Self.keys) else { return nil }
        let certificate = section.require("certificate", .text, "write the path of the PEM file")
        let key = section.require("key", .text, "write the path of the PEM file")
        guard let certificate, let key else { return nil }
        self.init(certificate: certificate, key: key)
        clientAuthorities = authorities ?? []
        clientAuthentication = authentication ?? clientAuthentication
        minimumVersion = version ?? minimumVersion
        cipherSuites = suites ?? []
    }
}

extension ServerConfiguration.Log {
    /// - Parameter oldLevel: of the older key at the top, `loglevel`.
    init(_ section: Section, oldLevel: Level?) {
        self.init()
        level = section.read("level", .choice()) ?? oldLevel ?? level
        section.read("formatter", .choice(), into: &formatter)
        section.read("fields", .fields, into: &fields)
        hasAccessLog = section.section("accesslog").read("disabled", .flag) != true
        section.dismiss("hooks", "dray sends no mail; errors are in its log")
        section.dismiss("reportcaller", "lines of the log do not name source code")
    }
}

extension ServerConfiguration.Storage {
    init(_ section: Section) {
        let filesystem = section.section("filesystem")
        self.init(root: filesystem.read("rootdirectory", .directory) ?? "/var/lib/registry")
        if section.keys.contains("s3") {
            bucket = .init(section.section("s3"))
            if section.keys.contains("filesystem") {
                section.complain("s3", "is one too many beside filesystem: keep one, for images are kept in one place")
            }
        }
        // Threads and caches are dray's own affair.
        filesystem.read("maxthreads", .count)
        if section.section("redirect").read("disable", .flag) == true { redirects = false }
        section.section("tag").read("concurrencylimit", .count)
        section.accept("cache")
        section.section("delete").read("enabled", .flag, into: &allowsDeletion)

        let maintenance = section.section("maintenance")
        maintenance.refuseEmpty("readonly", "pushes would be taken; write enabled: true or false in it")
        let readOnly = maintenance.section("readonly")
        readOnly.refuseUnknownKeys()
        readOnly.refuseEmpty("enabled", "pushes would be taken; write true or false")
        readOnly.read("enabled", .flag, into: &isReadOnly)
        purging = .init(maintenance.section("uploadpurging"))

        let advice = "write storage: filesystem: rootdirectory: DIRECTORY, or storage: s3: with bucket and region"
        let drivers = section.otherKeys
        for driver in drivers {
            section.complain(
                driver, "there is no such storage here; dray keeps images in the file system or in S3: \(advice)")
        }
        if drivers.isEmpty, !section.keys.contains("filesystem"), !section.keys.contains("s3") {
            section.complain("filesystem", "is missing: \(advice)")
        }
    }
}

extension ServerConfiguration.Purging {
    /// nil: off.
    init?(_ section: Section) {
        self.init()
        let isOn = section.read("enabled", .flag) ?? true
        section.read("age", .duration, into: &age)
        section.read("interval", .duration, into: &interval, unless: .zero)
        section.read("dryrun", .flag, into: &isDryRun)
        if !isOn { return nil }
    }
}

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

extension ServerConfiguration.Validation {
    private enum Platforms: String, CaseIterable { case all, none, list }

    init(_ section: Section) {
        self.init()
        // The older key switches it on even where the newer one says otherwise, and never switches it off.
        let isOn = section.read("enabled", .flag)
        isDisabled = section.read("disabled", .flag) == true && isOn != true
        if isOn == false, !isDisabled { section.warn("enabled", "does not switch it off: write disabled: true") }

        let manifests = section.section("manifests")
        let urls = manifests.section("urls")
        urls.refuseUnknownKeys()
        for key in ["allow", "deny"] { urls.refuseEmpty(key, "write regular expressions, or leave the key out") }
        allowedURLs = urls.read("allow", .list(.expression)) ?? []
        deniedURLs = urls.read("deny", .list(.expression)) ?? []

        let indexes = manifests.section("indexes")
        let list = indexes.sections("platformlist").compactMap(Self.platform)
        let choice: Platforms? = indexes.read("platforms", .choice())
        switch choice {
        case .all, nil: indexPlatforms = .all
        case .some(.none): indexPlatforms = .none
        case .list: indexPlatforms = .list(list)
        }
        if choice == .list, !indexes.has("platformlist") {
            indexes.complain("platformlist", "is missing: write entries with architecture and os")
        } else if choice != .list, indexes.has("platformlist") {
            indexes.warn("platformlist", "does nothing without platforms: list")
        }
    }

    private static func platform(_ section: Section) -> (architecture: String, os: String)? {
        let architecture = section.require("architecture", .text, "write it as images do, such as amd64")
        let os = section.require("os", .text, "write it as images do, such as linux")
        guard let architecture, let os else { return nil }
        return (architecture, os)
    }
}

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

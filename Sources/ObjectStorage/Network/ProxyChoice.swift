import AsyncHTTPClient

/// The proxy that `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` name for a host, as curl reads them.
struct ProxyChoice {
    private let environment: [String: String]

    init(_ environment: [String: String]) { self.environment = environment }

    /// - Returns: nil for a direct connection. Addresses of this machine and of its cloud's metadata service are always
    ///   reached directly.
    /// - Throws: `NetworkProblem` for a proxy that is not supported.
    func proxy(isTLS: Bool, host: String) throws -> HTTPClient.Configuration.Proxy? {
        guard let text = isTLS ? value("HTTPS_PROXY") : value("http_proxy") ?? value("ALL_PROXY"), !isDirect(host)
        else { return nil }
        let slashes = text.firstRange(of: "://")
        let scheme = slashes.map { text[..<$0.lowerBound].lowercased() } ?? "http"
        var rest = slashes.map { text[$0.upperBound...] } ?? text[...]
        var account: (user: String, password: String)?
        if let at = rest.lastIndex(of: "@") {
            let parts = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            account = (
                KeyEncoding.decode(String(parts[0])) ?? "",
                parts.count > 1 ? KeyEncoding.decode(String(parts[1])) ?? "" : ""
            )
            rest = rest[rest.index(after: at)...]
        }
        rest = rest.prefix { $0 != "/" }
        guard let place = ServerAddress("http://\(rest)") else { throw unsupported(isTLS) }
        switch scheme {
        case "http":
            guard let account else { return .server(host: place.host, port: place.port) }
            return .server(
                host: place.host, port: place.port,
                authorization: .basic(username: account.user, password: account.password))
        case "socks5", "socks5h":
            guard account == nil else { throw unsupported(isTLS) }
            return .socksServer(host: place.host, port: rest.contains(":") ? place.port : 1080)
        default: throw unsupported(isTLS)
        }
    }

    private func unsupported(_ isTLS: Bool) -> NetworkProblem {
        NetworkProblem(
            "\(isTLS ? "HTTPS_PROXY" : "HTTP_PROXY"): unsupported proxy; expected http://HOST:PORT or socks5h://HOST:PORT"
        )
    }

    private func value(_ name: String) -> String? {
        for name in [name.lowercased(), name] {
            if let value = environment[name], !value.isEmpty { return value }
        }
        return name == "HTTPS_PROXY" ? value("ALL_PROXY") : nil
    }

    private func isDirect(_ host: String) -> Bool {
        if host == "localhost" || host.hasSuffix(".localhost") || host.hasPrefix("127.") || host == "::1" {
            return true
        }
        if host.hasPrefix("169.254.") || host == "fd00:ec2::23" { return true }
        let exceptions = (value("NO_PROXY") ?? "").split(whereSeparator: { $0 == "," || $0 == " " })
        return exceptions.contains { exception in
            let name = exception.drop { $0 == "*" || $0 == "." }.lowercased()
            return exception == "*" || host == name || host.hasSuffix(".\(name)")
        }
    }
}

import AsyncHTTPClient
import ByteStreams
import Glibc
import ImageModel
import ImageTransfer

/// `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, as curl and Go read them.
///
/// https is tunnelled through a proxy by CONNECT; plain HTTP is asked of it by the whole address, since many
/// proxies let nobody CONNECT to a port other than 443. A SOCKS proxy looks up names itself, as `socks5h` says.
package struct ProxySettings: Sendable {
    package struct Proxy: Hashable, Sendable {
        package enum Kind: Sendable {
            case http
            /// An HTTP proxy that is reached by TLS.
            case https
            case socks
        }

        package let kind: Kind
        package let host: String
        package let port: Int
        let authorization: HTTPClient.Authorization?

        var origin: String { "http://\(host.contains(":") ? "[\(host)]" : host):\(port)" }

        /// The same proxy where a relay on this machine leads to it.
        func relayed(by relay: ProxyRelay) -> Proxy {
            Proxy(kind: .http, host: ProxyRelay.host, port: relay.port, authorization: authorization)
        }

        /// As something to send any bytes through.
        var tunnel: HTTPClient.Configuration.Proxy {
            switch kind {
            case .socks: .socksServer(host: host, port: port)
            case .http, .https:
                if let authorization {
                    .server(host: host, port: port, authorization: authorization)
                } else {
                    .server(host: host, port: port)
                }
            }
        }
    }

    private let http: String?
    private let https: String?
    private let exceptions: [String]

    static func fromEnvironment() -> ProxySettings {
        ProxySettings { name in getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 } }
    }

    package init(_ environment: (String) -> String?) {
        func value(_ name: String) -> String? { environment(name.lowercased()) ?? environment(name) }
        let all = value("ALL_PROXY")
        // HTTP_PROXY in capitals may come from a web server's client.
        http =
            environment("http_proxy") ?? (environment("REQUEST_METHOD") == nil ? environment("HTTP_PROXY") : nil) ?? all
        https = value("HTTPS_PROXY") ?? all
        exceptions = (value("NO_PROXY") ?? "").split(whereSeparator: { $0 == "," || $0 == " " }).map {
            $0.lowercased()
        }
    }

    /// - Throws: `ImageError.refused` for a proxy of a kind that is not spoken here.
    package func proxy(for address: Address) throws -> Proxy? {
        guard let text = address.scheme == "https" ? https : http, !isException(address) else { return nil }
        let slashes = text.firstRange(of: "://")
        let scheme = slashes.map { text[..<$0.lowerBound].lowercased() } ?? "http"
        var rest = slashes.map { text[$0.upperBound...] } ?? text[...]
        var authorization: HTTPClient.Authorization?
        if let at = rest.lastIndex(of: "@") {
            let account = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            authorization = .basic(
                username: Self.decode(String(account[0])),
                password: account.count > 1 ? Self.decode(String(account[1])) : "")
            rest = rest[rest.index(after: at)...]
        }
        let kinds: [String: (kind: Proxy.Kind, port: Int)] = [
            "http": (.http, 80), "https": (.https, 443), "socks5": (.socks, 1080), "socks5h": (.socks, 1080),
        ]
        rest = rest.prefix { $0 != "/" }
        guard let (kind, usualPort) = kinds[scheme], let place = Address("http://\(rest)") else {
            throw Self.unknown(address)
        }
        let hasPort = rest.drop { $0 != "]" }.isEmpty ? rest.contains(":") : rest.contains("]:")
        return Proxy(
            kind: kind, host: place.host, port: hasPort ? place.port : usualPort,
            authorization: kind == .socks ? nil : authorization)
    }

    private static func unknown(_ address: Address) -> ImageError {
        .refused(
            "\(address.scheme.uppercased())_PROXY: unsupported proxy; expected http://HOST:PORT, https://HOST:PORT or "
                + "socks5h://HOST:PORT")
    }

    private func isException(_ address: Address) -> Bool {
        // As everywhere else, the own machine is not reached through a proxy.
        if address.isLoopback { return true }
        let host = address.host.hasSuffix(".") ? String(address.host.dropLast()) : address.host
        let ip = IPAddress(host)
        return exceptions.contains { exception in
            if exception == "*" { return true }
            if let network = IPNetwork(exception) { return ip.map(network.contains) ?? false }
            let (name, port) = Self.parts(exception)
            if let port, port != address.port { return false }
            if let excepted = IPAddress(name) { return excepted == ip }
            // A name stands for those below it as well.
            let bare = name.hasPrefix("*.") ? name.dropFirst(2) : name.hasPrefix(".") ? name.dropFirst() : name
            return !bare.isEmpty && (host == bare || host.hasSuffix("." + bare))
        }
    }

    /// `HOST[:PORT]`; an IPv6 address with a port is in brackets.
    private static func parts(_ exception: String) -> (name: Substring, port: Int?) {
        let name = exception[...]
        guard IPAddress(exception) == nil, let colon = name.lastIndex(of: ":"),
            let port = Int(name[name.index(after: colon)...])
        else { return (name, nil) }
        return (name[..<colon], port)
    }

    private static func decode(_ text: String) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

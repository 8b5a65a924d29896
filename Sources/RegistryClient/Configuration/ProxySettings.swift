import AsyncHTTPClient
import ByteStreams
import Glibc
import ImageTransfer

/// `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, as curl and Go read them.
///
/// https is tunnelled through a proxy by CONNECT; plain HTTP is asked of it by the whole address, since many
/// proxies let nobody CONNECT to a port other than 443.
package struct ProxySettings: Sendable {
    package struct Proxy: Sendable {
        package enum Kind: Sendable {
            case http
            case socks
        }

        package let kind: Kind
        package let host: String
        package let port: Int
        let authorization: HTTPClient.Authorization?

        var origin: String { "http://\(host.contains(":") ? "[\(host)]" : host):\(port)" }

        /// As something to send any bytes through.
        var tunnel: HTTPClient.Configuration.Proxy {
            switch kind {
            case .socks: .socksServer(host: host, port: port)
            case .http:
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

    /// - Throws: `TransferError.refused` for a proxy of a kind that is not spoken here.
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
        guard let place = Address("http://\(rest)") else { throw Self.unknown(address) }
        switch scheme {
        case "http": return Proxy(kind: .http, host: place.host, port: place.port, authorization: authorization)
        case "socks5":
            let port = place.authority.contains(":\(place.port)") ? place.port : 1080
            return Proxy(kind: .socks, host: place.host, port: port, authorization: nil)
        default: throw Self.unknown(address)
        }
    }

    private static func unknown(_ address: Address) -> TransferError {
        .refused(
            "the proxy in \(address.scheme.uppercased())_PROXY is none that dray can use: http://HOST:PORT and socks5://HOST:PORT are"
        )
    }

    private func isException(_ address: Address) -> Bool {
        // As everywhere else, the own machine is not reached through a proxy.
        if address.isLoopback { return true }
        return exceptions.contains { exception in
            if exception == "*" { return true }
            var name = exception[...]
            if let colon = name.lastIndex(of: ":"), let port = Int(name[name.index(after: colon)...]),
                !name.hasSuffix("]"),
                name.filter({ $0 == ":" }).count == 1
            {
                guard port == address.port else { return false }
                name = name[..<colon]
            }
            if name.contains("/") { return IPv4Network(String(name))?.contains(address.host) ?? false }
            if name.hasPrefix("*.") { name = name.dropFirst(1) }
            if name.hasPrefix(".") { return address.host.hasSuffix(name) || address.host == name.dropFirst() }
            return address.host == name || address.host.hasSuffix("." + name)
        }
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

/// `10.0.0.0/8`
struct IPv4Network {
    private let base: UInt32
    private let mask: UInt32

    init?(_ text: String) {
        let parts = text.split(separator: "/")
        guard parts.count == 2, let address = Self.number(String(parts[0])), let bits = UInt32(parts[1]), bits <= 32
        else {
            return nil
        }
        mask = bits == 0 ? 0 : ~UInt32(0) << (32 - bits)
        base = address & mask
    }

    func contains(_ host: String) -> Bool { Self.number(host).map { $0 & mask == base } ?? false }

    private static func number(_ text: String) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        guard parts.count == 4, !parts.contains(nil) else { return nil }
        return parts.reduce(0) { $0 << 8 | UInt32($1 ?? 0) }
    }
}

extension Address {
    /// The own machine: `localhost`, 127.0.0.0/8 or ::1.
    var isLoopback: Bool {
        host == "localhost" || host.hasSuffix(".localhost") || host == "::1"
            || (IPv4Network("127.0.0.0/8")?.contains(host) ?? false)
    }
}

package import HTTPTypes
package import NIOCore
import RegistryClient

/// The address of a client, as its connection or the proxies in between tell it.
package struct ClientAddress: Sendable {
    /// The addresses that count as one client where connections, work and memory are shared: one IPv4 address, or a
    /// /64 network of IPv6, since that is the least that a subscriber has. A client that a proxy tells of is another one
    /// than the same address that connects by itself, or by another proxy: nobody can use up what others have by naming
    /// their address.
    package struct Share: Hashable, Sendable {
        fileprivate let bytes: [UInt8]
        /// Of the proxy that tells of the client, if there is one.
        fileprivate var proxy: [UInt8]?

        /// Clients of a socket file whose proxy does not tell their address.
        package static let unknown = Share(bytes: [])
    }

    /// The address without a port; `-` for a client of a socket file.
    package let host: String
    /// The address as it was told, which may be with a port; `-` for a client of a socket file.
    package let text: String
    package private(set) var share: Share

    /// - Parameter peer: nil for a connection that has gone.
    package init(peer: SocketAddress?) {
        text = peer.map(Self.hostAndPort) ?? "-"
        host = peer?.ipAddress ?? "-"
        share = IPAddress(host).map(Self.share) ?? .unknown
    }

    /// - Returns: nil for text that is not an IP address; some proxies write it with a port.
    init?(_ text: some StringProtocol) {
        self.text = String(text)
        if let address = IPAddress(text) {
            (host, share) = (self.text, Self.share(of: address))
            return
        }
        guard let colon = text.lastIndex(of: ":"), UInt16(text[text.index(after: colon)...]) != nil else { return nil }
        let name = text[..<colon]
        guard let address = IPAddress(name), !name.contains(":") || name.hasPrefix("[") else { return nil }
        (host, share) = (String(name.drop { $0 == "[" }.prefix { $0 != "]" }), Self.share(of: address))
    }

    /// The client, as this proxy tells of it.
    ///
    /// - Parameter counted: the address that it counts as.
    fileprivate func told(by proxy: ClientAddress, countedAs counted: ClientAddress) -> ClientAddress {
        var client = self
        client.share = Share(bytes: counted.share.bytes, proxy: proxy.share.bytes)
        return client
    }

    private static func share(of address: IPAddress) -> Share {
        Share(bytes: address.bytes.count == 4 ? address.bytes : Array(address.bytes.prefix(8)))
    }

    /// `HOST:PORT`, with brackets around an IPv6 address; `-` for a socket file without a name.
    package static func hostAndPort(_ address: SocketAddress) -> String {
        guard let host = address.ipAddress, let port = address.port else {
            return address.pathname.flatMap { $0.isEmpty ? nil : $0 } ?? "-"
        }
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}

/// The proxies whose word is taken for the address of a client: `http.trustedproxies`.
package struct TrustedProxies: Sendable {
    /// Loopback and private networks. Behind a peer of these, clients may have such addresses, too: they are taken for
    /// proxies where a client is named, and not where it is counted.
    private static let unconfigured = [
        "127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7",
    ]

    private let peers: [IPNetwork]
    private let configured: [IPNetwork]

    /// - Parameter networks: each as `ADDRESS/BITS`; others do not count. nil for loopback and private networks.
    package init(_ networks: [String]?) {
        peers = (networks ?? Self.unconfigured).compactMap { IPNetwork($0) }
        configured = networks == nil ? [] : peers
    }

    /// The client of a request: the peer, unless it is trusted. Then the client is the last address of
    /// `X-Forwarded-For` that is not a trusted proxy's; the client itself may have invented those before. Without that
    /// header `Forwarded` counts in the same way, and then `X-Real-IP`. The peer of a socket file is always trusted.
    ///
    /// Where no proxies are configured, the client counts as the last address of all, since nobody knows whether that is
    /// a proxy's.
    package func client(peer: SocketAddress?, _ fields: HTTPFields) -> ClientAddress {
        let proxy = ClientAddress(peer: peer)
        guard let peer, peer.ipAddress.map({ Self.isAddress($0, in: peers) }) ?? true else { return proxy }
        let lines = fields[values: .forwardedFor]
        let chain =
            lines.isEmpty
            ? ForwardedField.pairs(fields[values: .forwarded]).filter { $0.name == "for" }.map(\.value)
            : lines.flatMap { $0.split(separator: ",").map { String($0.trimmedWhitespace) } }
        let named =
            client(in: chain, behind: peers)
            ?? fields[values: .realIP].first.flatMap { ClientAddress($0[...].trimmedWhitespace) }
        return named.map { $0.told(by: proxy, countedAs: client(in: chain, behind: configured) ?? $0) } ?? proxy
    }

    /// - Returns: nil if a trusted proxy tells no address.
    private func client(in chain: [String], behind proxies: [IPNetwork]) -> ClientAddress? {
        var found: ClientAddress?
        for text in chain.reversed() {
            guard let address = ClientAddress(text) else { return nil }
            found = address
            if !Self.isAddress(address.host, in: proxies) { break }
        }
        return found
    }

    private static func isAddress(_ host: String, in networks: [IPNetwork]) -> Bool {
        IPAddress(host).map { address in networks.contains { $0.contains(address) } } ?? false
    }
}

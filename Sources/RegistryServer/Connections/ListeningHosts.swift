import Glibc
import ImageModel
import NIOCore
import RegistryClient

/// The numeric addresses that a host of a configuration stands for, on this machine.
enum ListeningHosts {
    /// - Parameters:
    ///   - host: a name or an address; empty, or the unspecified IPv6 address, for every address of the families that
    ///     exist, as Go's `net.Listen` takes them.
    ///   - port: 0 for any free one; then a name gives its first address only, since each would get another port.
    /// - Returns: at least one address, each to be listened at.
    /// - Throws: `ImageError` for a name without an address.
    static func numeric(_ host: String, port: Int) throws -> [String] {
        // NIO lets every IPv6 socket accept IPv4, whatever net.ipv6.bindv6only says.
        if host.isEmpty || isUnspecifiedIPv6(host) { return [canListen("::") ? "::" : "0.0.0.0"] }
        let all = try resolve(host)
        // For an address that is not this machine's, listening fails with the reason.
        let own = all.filter(canListen)
        let chosen = own.isEmpty ? all : own
        return port == 0 ? [chosen[0]] : chosen
    }

    private static func isUnspecifiedIPv6(_ host: String) -> Bool {
        IPAddress(host).map { $0.bytes.count == 16 && $0.bytes.allSatisfy { $0 == 0 } } ?? false
    }

    /// Whether the family exists here, and the address is one of this machine's.
    private static func canListen(_ address: String) -> Bool {
        // The server resolves the address in the same way when it binds it.
        guard let resolved = try? SocketAddress.makeAddressResolvingHost(address, port: 0) else { return false }
        return resolved.withSockAddr { pointer, size in
            let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
            let socket = socket(Int32(pointer.pointee.sa_family), type, 0)
            guard socket >= 0 else { return false }
            defer { close(socket) }
            return bind(socket, pointer, socklen_t(size)) == 0
        }
    }

    /// The addresses of a name, IPv4 among them also where only IPv6 is configured; an address is its own.
    private static func resolve(_ host: String) throws -> [String] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, nil, &hints, &list)
        defer { freeaddrinfo(list) }
        var found: [String] = []
        var next = list
        while let entry = next {
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            if getnameinfo(
                entry.pointee.ai_addr, entry.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
                == 0
            {
                let address = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                if !found.contains(address) { found.append(address) }
            }
            next = entry.pointee.ai_next
        }
        guard !found.isEmpty else {
            throw ImageError.refused(
                "cannot listen at \(host): the name has no address (\(String(cString: gai_strerror(status)))); "
                    + "check http.addr or --addr")
        }
        return found
    }
}

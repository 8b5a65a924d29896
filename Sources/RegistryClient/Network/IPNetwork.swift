import CNIOLinux
import Glibc

/// An IP address of either family, as bytes. An IPv4 address that is written as IPv6 (`::ffff:10.0.0.1`) is the IPv4
/// address.
package struct IPAddress: Hashable, Sendable {
    /// 4 or 16.
    package let bytes: [UInt8]

    /// - Parameter text: without a port; IPv6 with or without brackets. A zone (`%eth0`) does not count.
    package init?(_ text: some StringProtocol) {
        var text = String(text)
        if text.hasPrefix("["), text.hasSuffix("]") { text = String(text.dropFirst().dropLast()) }
        text = String(text.prefix { $0 != "%" })
        var short = in_addr()
        if inet_pton(AF_INET, text, &short) == 1 {
            bytes = withUnsafeBytes(of: short) { Array($0) }
            return
        }
        var long = in6_addr()
        guard inet_pton(AF_INET6, text, &long) == 1 else { return nil }
        let all = withUnsafeBytes(of: long) { Array($0) }
        let isMapped = all.starts(with: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff] as [UInt8])
        bytes = isMapped ? Array(all.suffix(4)) : all
    }

    /// Networks that are no part of the internet: those of this machine and of private use, of links, of carriers'
    /// translation, of tests of speed, of groups, and those that are reserved; and the host agent of Azure's virtual
    /// machines (168.63.129.16). Sources: IANA's registries of special-purpose addresses for IPv4 and IPv6; Azure's
    /// documentation, "What is IP address 168.63.129.16?".
    private static let internalNetworks = [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "168.63.129.16/32", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3", "::/96", "64:ff9b:1::/48", "100::/64",
        "fc00::/7", "fe80::/9",
        "ff00::/8",
    ].compactMap { IPNetwork($0) }

    /// Whether only this machine, or a network of its own, can be reached by the address.
    package var isInternal: Bool {
        let address = embedded ?? self
        return Self.internalNetworks.contains { $0.contains(address) }
    }

    /// The IPv4 address to which NAT64 (RFC 6052) or 6to4 (RFC 3056) leads.
    private var embedded: IPAddress? {
        guard bytes.count == 16 else { return nil }
        if bytes.starts(with: [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0] as [UInt8]) {
            return IPAddress(bytes: Array(bytes.suffix(4)))
        }
        return bytes.starts(with: [0x20, 0x02] as [UInt8]) ? IPAddress(bytes: Array(bytes[2..<6])) : nil
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }
}

/// `10.0.0.0/8` or `fd00::/8`
package struct IPNetwork: Sendable {
    private let base: IPAddress
    /// Prefix length in bits.
    private let bits: Int

    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let base = IPAddress(parts[0]), let bits = Int(parts[1]),
            (0...8 * base.bytes.count).contains(bits)
        else { return nil }
        self.base = base
        self.bits = bits
    }

    package func contains(_ address: IPAddress) -> Bool {
        guard address.bytes.count == base.bytes.count else { return false }
        return zip(address.bytes, base.bytes).enumerated().allSatisfy { position, pair in
            let count = max(0, min(8, bits - 8 * position))
            let mask = UInt8(truncatingIfNeeded: 0xff00 >> count)
            return pair.0 & mask == pair.1 & mask
        }
    }
}

extension Address {
    /// The own machine: `localhost`, 127.0.0.0/8 or ::1. Names below `localhost` are none: RFC 6761, section 6.3, wants
    /// them resolved to the own machine, and not every resolver does so.
    var isLoopback: Bool {
        if host == "localhost" || host == "localhost." { return true }
        guard let address = IPAddress(host) else { return false }
        return ["127.0.0.0/8", "::1/128"].contains { IPNetwork($0)?.contains(address) == true }
    }
}

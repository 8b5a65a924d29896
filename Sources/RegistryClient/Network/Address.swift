import FoundationEssentials
import ImageModel

/// An absolute http or https URL, without an account.
package struct Address: Hashable, Sendable {
    /// As it is asked for, without a fragment.
    package let text: String
    package let scheme: String
    package let host: String
    package let port: Int

    /// - Returns: nil for anything that is not an absolute URL of http or https with a valid host, and for one that names
    ///   an account.
    package init?(_ text: String) {
        guard let url = URL(string: Self.escaped(text)) else { return nil }
        self.init(url)
    }

    private init?(_ url: URL) {
        let text = url.absoluteString
        let bytes = Array(text.utf8)
        // Nothing in a host is encoded: it would be one thing in a request line and another one in a path.
        guard let scheme = url.scheme?.lowercased(), scheme == "http" || scheme == "https",
            let host = url.host(percentEncoded: false), HostName.isValid(host),
            !bytes[Self.authority(in: bytes)].contains(where: { "@%".utf8.contains($0) }),
            (0...Int(UInt16.max)).contains(url.port ?? 0)
        else { return nil }
        self.text = text
        self.scheme = scheme
        self.host = host.lowercased()
        port = url.port ?? (scheme == "https" ? 443 : 80)
    }

    /// What a `Location` or `Link` means from here: RFC 3986, section 5.
    package func resolving(_ reference: String) -> Address? {
        guard let base = URL(string: text),
            let url = URL(string: Self.escaped(reference), relativeTo: base)?.absoluteURL
        else {
            return nil
        }
        return Address(url)
    }

    /// A URL in which every byte that has no place in one is escaped. Existing escapes stay as they are: a signature may
    /// cover them.
    private static func escaped(_ text: String) -> String {
        // A fragment is never sent, and parameters that are appended would become part of it.
        let bytes = Array(text.utf8.prefix { $0 != UInt8(ascii: "#") })
        let authority = authority(in: bytes)
        var escaped: [UInt8] = []
        escaped.reserveCapacity(bytes.count)
        for (position, byte) in bytes.enumerated() {
            let isBare =
                switch byte {
                case UInt8(ascii: "%"): bytes[(position + 1)...].prefix(2).count(where: \.isHexDigit) < 2
                default: byte <= 32 || byte >= 127 || "\"<>[\\]^`{|}".utf8.contains(byte)
                }
            if isBare, !authority.contains(position) {
                escaped += PercentEncoding.encode(byte).utf8
            } else {
                escaped.append(byte)
            }
        }
        return String(decoding: escaped, as: UTF8.self)
    }

    /// The range of host and port in a URL; empty if it names none.
    private static func authority(in bytes: [UInt8]) -> Range<Int> {
        let slash = UInt8(ascii: "/")
        // After a scheme, or at the start.
        let head = bytes.prefix { $0 != slash && $0 != UInt8(ascii: "?") }.count
        guard head == 0 || bytes[head - 1] == UInt8(ascii: ":"), bytes[head...].starts(with: [slash, slash]) else {
            return 0..<0
        }
        let rest = bytes[(head + 2)...].prefix { $0 != slash && $0 != UInt8(ascii: "?") }
        return rest.startIndex..<rest.endIndex
    }

    /// The same path and query at another origin.
    func moved(to other: Address) -> Address? { Address(other.origin + target) }

    /// The same with more in its query; what the query holds already stays.
    package func adding(_ items: [(name: String, value: String)]) -> Address {
        guard !items.isEmpty else { return self }
        let query = items.map { "\($0.name)=\(PercentEncoding.encode($0.value))" }.joined(separator: "&")
        return Address(text + (text.contains("?") ? "&" : "?") + query) ?? self
    }

    /// The same place with the query of another address.
    func withQuery(of other: Address) -> Address? {
        Address(String(text.prefix { $0 != "?" }) + String(other.text.drop { $0 != "?" }))
    }

    package func hasSameOrigin(as other: Address) -> Bool {
        scheme == other.scheme && host == other.host && port == other.port
    }

    /// Without path and query, which may hold secrets: for messages.
    package var origin: String { "\(scheme)://\(authority)" }

    /// `HOST[:PORT]`, as the `Host` header has it.
    package var authority: String {
        let isUsual = port == (scheme == "https" ? 443 : 80)
        return bracketedHost + (isUsual ? "" : ":\(port)")
    }

    /// The host as it stands before a port: an IPv6 address in brackets.
    var bracketedHost: String { host.contains(":") ? "[\(host)]" : host }

    /// Path and query.
    package var target: String {
        let target = text.drop { $0 != ":" }.dropFirst(3).drop { $0 != "/" && $0 != "?" }
        return target.hasPrefix("/") ? String(target) : "/\(target)"
    }
}

extension UInt8 {
    fileprivate var isHexDigit: Bool {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }
}

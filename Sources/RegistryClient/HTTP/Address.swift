import FoundationEssentials
import ImageModel

/// An absolute http or https URL.
package struct Address: Hashable, Sendable {
    /// As it is asked for, without a fragment.
    package let text: String
    package let scheme: String
    package let host: String
    package let port: Int

    /// - Returns: nil for anything that is not an absolute URL of http or https with a host.
    package init?(_ text: String) {
        guard let url = URL(string: text) else { return nil }
        self.init(url)
    }

    private init?(_ url: URL) {
        guard let scheme = url.scheme?.lowercased(), scheme == "http" || scheme == "https",
            let host = url.host(percentEncoded: false), !host.isEmpty, url.user == nil,
            (0...Int(UInt16.max)).contains(url.port ?? 0)
        else { return nil }
        // What stands behind a '#' is never sent, and would take along what is added at the end.
        text = String(url.absoluteString.prefix { $0 != "#" })
        self.scheme = scheme
        self.host = host.lowercased()
        port = url.port ?? (scheme == "https" ? 443 : 80)
    }

    /// What a `Location` or `Link` means from here: RFC 3986, section 5.
    package func resolving(_ reference: String) -> Address? {
        guard let base = URL(string: text), let url = URL(string: reference, relativeTo: base)?.absoluteURL else {
            return nil
        }
        return Address(url)
    }

    /// The same with more in its query; what the query holds already stays.
    package func adding(_ items: [(name: String, value: String)]) -> Address {
        guard !items.isEmpty else { return self }
        let query = items.map { "\($0.name)=\(PercentEncoding.encode($0.value))" }.joined(separator: "&")
        return Address(text + (text.contains("?") ? "&" : "?") + query) ?? self
    }

    package func hasSameOrigin(as other: Address) -> Bool {
        scheme == other.scheme && host == other.host && port == other.port
    }

    /// Without path and query, which may hold secrets: for messages.
    package var origin: String { "\(scheme)://\(authority)" }

    /// `HOST[:PORT]`, as the `Host` header has it.
    package var authority: String {
        let isUsual = port == (scheme == "https" ? 443 : 80)
        return (host.contains(":") ? "[\(host)]" : host) + (isUsual ? "" : ":\(port)")
    }

    /// Path and query.
    package var target: String {
        let target = text.drop { $0 != ":" }.dropFirst(3).drop { $0 != "/" && $0 != "?" }
        return target.hasPrefix("/") ? String(target) : "/\(target)"
    }
}

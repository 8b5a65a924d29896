package import HTTPTypes
import ImageModel

/// The address by which clients reach this registry: the beginning of its `Location`s.
///
/// In the original's order: the configured host; nothing, where URLs are to be relative; `Forwarded`;
/// `X-Forwarded-Proto` and `X-Forwarded-Host`; the connection itself. As several proxies may have added a value each,
/// the first one that is valid counts. `X-Forwarded-Port` does not count, as in the original: many proxies put
/// their own listening port there.
package struct PublicAddress: Sendable {
    /// `scheme://host[:port]`, or empty.
    package let origin: String
    private let prefix: String

    package init(_ request: HTTPRequest, isSecure: Bool, _ configuration: ServerConfiguration.HTTP) {
        prefix = String(configuration.prefix.dropLast())
        if let host = configuration.host {
            origin = host
            return
        }
        if configuration.hasRelativeURLs {
            origin = ""
            return
        }
        let fields = request.headerFields
        let forwarded = ForwardedField.pairs(fields[values: .forwarded])
        func first(_ parameter: String, _ header: HTTPField.Name, _ valid: (String) -> String?) -> String? {
            for pair in forwarded where pair.name == parameter {
                if let value = valid(pair.value) { return value }
            }
            for value in fields[values: header] {
                for part in value.split(separator: ",") {
                    if let value = valid(ForwardedField.unquoted(part.trimmedWhitespace)) { return value }
                }
            }
            return nil
        }
        let scheme = first("proto", .forwardedProto, Self.scheme) ?? (isSecure ? "https" : "http")
        let host = first("host", .forwardedHost, Self.host) ?? request.authority.flatMap(Self.host)
        // Clients resolve a relative Location themselves.
        origin = host.map { "\(scheme)://\($0)" } ?? ""
    }

    /// - Parameter path: below the prefix, with its leading slash.
    package func url(_ path: String) -> String { origin + prefix + path }

    private static func scheme(_ text: String) -> String? {
        let scheme = text.lowercased()
        return scheme == "http" || scheme == "https" ? scheme : nil
    }

    /// - Returns: nil for text that is not `HOST[:PORT]`.
    private static func host(_ text: String) -> String? {
        guard text.utf8.count <= 261 else { return nil }
        var name = text[...]
        if let colon = name.lastIndex(of: ":"), !name.hasSuffix("]") {
            guard let port = UInt16(name[name.index(after: colon)...]), port > 0 else { return nil }
            name = name[..<colon]
        }
        let isAddress = name.hasPrefix("[") && name.hasSuffix("]")
        if isAddress { name = name.dropFirst().dropLast() }
        return HostName.isValid(name) && name.contains(":") == isAddress ? text : nil
    }
}

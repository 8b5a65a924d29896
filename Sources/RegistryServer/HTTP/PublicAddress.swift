package import HTTPTypes

/// How clients reach this registry: what its `Location`s begin with.
///
/// In the original's order: the configured host; nothing, where URLs are to be relative; `Forwarded`;
/// `X-Forwarded-Proto` and `X-Forwarded-Host`; the connection itself.
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
        var scheme = isSecure ? "https" : "http"
        var host = request.authority ?? ""
        if let forwarded = fields[.forwarded] {
            for pair in forwarded.prefix(while: { $0 != "," }).split(separator: ";") {
                let parts = pair.split(separator: "=", maxSplits: 1).map(Self.trimmed)
                guard parts.count == 2 else { continue }
                if parts[0].lowercased() == "proto" { scheme = parts[1] }
                if parts[0].lowercased() == "host" { host = parts[1] }
            }
        } else {
            if let proto = fields[.forwardedProto], !proto.isEmpty { scheme = proto }
            if let first = fields[.forwardedHost]?.split(separator: ",").first { host = Self.trimmed(first) }
        }
        origin = host.isEmpty ? "" : "\(scheme)://\(host)"
    }

    /// - Parameter path: below the prefix, with its leading slash.
    package func url(_ path: String) -> String { origin + prefix + path }

    private static func trimmed(_ text: some StringProtocol) -> String {
        String(text.filter { $0 != "\"" && !$0.isWhitespace })
    }
}

import Glibc

/// How servers are reached.
package struct NetworkOptions: Sendable {
    /// PEM files of authorities that are trusted beside the system's; from the start what AWS_CA_BUNDLE names.
    package var authorityFiles: [String]
    /// Whether the server's certificate is verified.
    package var verifiesTLS = true
    /// How long a server may be silent. Server-side copies may take `slowTimeout`.
    package var timeout = Duration.seconds(60)
    package var slowTimeout = Duration.seconds(900)
    package var connectTimeout = Duration.seconds(10)
    /// Connections to one host.
    package var connections = 32
    /// Addresses of hosts, instead of those that the name service knows.
    package var addresses: [String: String] = [:]

    package init() {
        authorityFiles = getenv("AWS_CA_BUNDLE").map { [String(cString: $0)] }?.filter { !$0.isEmpty } ?? []
    }
}

/// How servers are reached.
package struct NetworkOptions: Sendable {
    /// A PEM file of authorities that are trusted beside the system's.
    package var authorityFile: String?
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

    package init() {}
}

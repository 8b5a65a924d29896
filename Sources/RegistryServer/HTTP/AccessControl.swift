/// One thing that a request wants to do with one resource.
package struct AccessItem: Hashable, Sendable {
    /// `repository`, or `registry` for the catalog.
    package var type: String
    /// The repository's name, or `catalog`.
    package var name: String
    /// `pull`, `push`, `delete`, or `*`.
    package var action: String

    package init(type: String, name: String, action: String) {
        self.type = type
        self.name = name
        self.action = action
    }
}

/// A refusal: how the client can prove who it is.
package struct AccessDenied: Error {
    /// For the `WWW-Authenticate` header.
    package var challenge: String
    /// What the log is told; never holds a secret.
    package var reason: String
}

/// Decides who may do what. Source: OCI distribution-spec; Docker token authentication.
package protocol AccessControl: Sendable {
    /// - Parameters:
    ///   - authorization: the request's `Authorization` header.
    ///   - items: everything that the request wants; empty for `/v2/` itself, which wants only to know who asks.
    ///   - origin: `scheme://host[:port]` by which the client reached this registry; nil if that is not known.
    /// - Returns: who asks; nil if nobody in particular.
    /// - Throws: `AccessDenied`, which is a 401; any other error is this registry's own trouble, and a 5xx.
    func authorize(_ authorization: String?, for items: [AccessItem], origin: String?) async throws -> String?

    /// Reads again what may be read again while the registry runs.
    func reload() async
}

extension AccessControl {
    package func reload() async {}
}

package import Logging

extension ServerConfiguration.Access {
    /// What this configuration asks for. Reads the files that it names, so it is called while the server starts.
    ///
    /// - Throws: `ImageError.refused` or `ImageError`, naming the file and what would be right.
    package func makeAccessControl(logger: Logger) throws -> any AccessControl {
        switch self {
        case .open: OpenAccess()
        case .silly(let realm, let service): SillyAccess(realm: realm, service: service)
        case .htpasswd(let realm, let path): try HtpasswdAccess(realm: realm, path: path, logger: logger)
        case .token(let token): try TokenAccess(token, logger: logger)
        }
    }
}

/// Anybody may do anything: what a registry without `auth` does.
package struct OpenAccess: AccessControl {
    package init() {}

    package func authorize(_ authorization: String?, for items: [AccessItem], origin: String?) async throws -> String? {
        nil
    }
}

/// Whoever sends any `Authorization` header at all may do anything: `auth.silly`, for tests of clients.
///
/// Source: distribution, registry/auth/silly.
package struct SillyAccess: AccessControl {
    let realm: String
    let service: String

    package func authorize(_ authorization: String?, for items: [AccessItem], origin: String?) async throws -> String? {
        guard let authorization, !authorization.isEmpty else {
            var parameters = [("realm", realm), ("service", service)]
            if !items.isEmpty { parameters.append(("scope", AuthorizationHeader.scope(of: items))) }
            throw AccessDenied(
                challenge: AuthorizationHeader.challenge("Bearer", parameters), reason: "no Authorization header")
        }
        return "silly"
    }
}

/// Whoever sends any `Authorization` header at all may do anything: `auth.silly`, for tests of clients.
///
/// Source: distribution, registry/auth/silly.
package struct SillyAccess: AccessControl {
    private let realm: String
    private let service: String

    package init(realm: String, service: String) {
        self.realm = realm
        self.service = service
    }

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

/// Anybody may do anything: what a registry without `auth` does.
package struct OpenAccess: AccessControl {
    package init() {}

    package func authorize(_ authorization: String?, for items: [AccessItem], origin: String?) async throws -> String? {
        nil
    }
}

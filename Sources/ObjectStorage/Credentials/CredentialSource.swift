/// A place that may have keys.
package protocol CredentialSource: Sendable {
    /// - Returns: nil where this place is not in use here.
    /// - Throws: `ImageError` where it is in use and fails.
    func load() async throws -> AccessKeys?
}

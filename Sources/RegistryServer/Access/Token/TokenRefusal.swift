/// Why a token does not count. For the log: the client is told `invalid_token`, no more.
package struct TokenRefusal: Error {
    /// Holds nothing of the token.
    let reason: String

    init(_ reason: String) { self.reason = reason }
}

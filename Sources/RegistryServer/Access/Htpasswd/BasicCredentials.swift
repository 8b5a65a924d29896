import ImageModel

/// A user and a password, as RFC 7617 sends them.
package struct BasicCredentials: Sendable {
    /// Bytes of the whole header.
    static let sizeLimit = 8 << 10

    /// Bytes, because a password file compares bytes: not what Unicode holds to be the same.
    package let user: [UInt8]
    package let password: [UInt8]

    /// - Returns: nil for anything but `Basic base64(USER:PASSWORD)`.
    package init?(_ authorization: String?) {
        guard
            let text = AuthorizationHeader.credentials(authorization, scheme: "basic", limit: Self.sizeLimit),
            let pair = Base64.decode(text), let colon = pair.firstIndex(of: UInt8(ascii: ":")), colon > 0
        else { return nil }
        user = Array(pair[..<colon])
        password = Array(pair[(colon + 1)...])
    }
}

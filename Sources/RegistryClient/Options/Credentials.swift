import ImageModel

/// What proves to a registry who asks.
package enum Credentials: Sendable, Hashable {
    case password(user: String, password: String)
    /// A refresh token of OAuth2, from Docker's `identitytoken`.
    case identityToken(user: String, token: String)
    /// A token to be sent as it is, from Docker's `registrytoken`.
    case registryToken(String)

    /// - Parameter text: `USER:PASSWORD`.
    package init?(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty else { return nil }
        self = .password(user: String(parts[0]), password: String(parts[1]))
    }

    /// What must appear nowhere.
    var secret: String {
        switch self {
        case .password(_, let secret), .identityToken(_, let secret), .registryToken(let secret): secret
        }
    }

    /// The value of an `Authorization` header; nil where there is no password.
    var basic: String? {
        guard case .password(let user, let password) = self else { return nil }
        return Self.basic(user, password)
    }

    static func basic(_ user: String, _ secret: String) -> String {
        "Basic " + Base64.encode(Array("\(user):\(secret)".utf8))
    }
}

import ImageModel

/// What a token service answers. Sources: distribution's token authentication and OAuth2 documentation.
package struct TokenAnswer: Sendable {
    package let token: String
    /// Ten seconds early, so that it does not expire on its way; 60 seconds is what the protocol assumes.
    package let lifetime: Duration
    package let refreshToken: String?

    private struct Body: Decodable {
        var token: String?
        var accessToken: String?
        var expiresIn: Seconds?
        var refreshToken: String?

        enum CodingKeys: String, CodingKey {
            case token
            case accessToken = "access_token"
            case expiresIn = "expires_in"
            case refreshToken = "refresh_token"
        }
    }

    /// A number, or one as text; whatever else it may be is nothing.
    private struct Seconds: Decodable {
        var count: Double?

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            count = (try? container.decode(Double.self)) ?? (try? container.decode(String.self)).flatMap { Double($0) }
        }
    }

    /// - Parameter name: for messages.
    /// - Throws: `ImageError`; what it says is not shown, since there may be a token in it.
    package init(_ bytes: [UInt8], name: String) throws {
        guard let body = try? Document.decode(Body.self, from: bytes, name: name) else {
            throw ImageError.invalidDocument("the answer is no token")
        }
        guard let token = [body.token, body.accessToken].compactMap({ $0 }).first(where: { !$0.isEmpty }),
            token.utf8.allSatisfy({ $0 > 32 && $0 < 127 })
        else { throw ImageError.invalidDocument("the answer holds no token") }
        self.token = token
        refreshToken = body.refreshToken.flatMap { $0.isEmpty ? nil : $0 }
        let seconds = body.expiresIn?.count.flatMap { $0.isFinite ? max(1, min($0, 86_400)) : nil } ?? 60
        lifetime = .seconds(seconds > 20 ? seconds - 10 : seconds / 2)
    }
}

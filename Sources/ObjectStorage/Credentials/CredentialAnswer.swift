import ImageModel

/// Keys as JSON, as `credential_process`, container roles and instance roles give them.
package struct CredentialAnswer: Decodable {
    private let accessKeyID: String
    private let secret: String
    private let token: String?
    private let sessionToken: String?
    private let expiration: String?

    private enum CodingKeys: String, CodingKey {
        case accessKeyID = "AccessKeyId"
        case secret = "SecretAccessKey"
        case token = "Token"
        case sessionToken = "SessionToken"
        case expiration = "Expiration"
    }

    /// - Parameter name: the source, for messages. What it sent is never shown, since it may be a secret.
    /// - Throws: `ImageError.unauthorised`.
    package static func read(_ bytes: [UInt8], name: String) throws -> AccessKeys {
        guard let answer = try? Document.decode(Self.self, from: bytes, name: name, sizeLimit: 64 << 10),
            !answer.accessKeyID.isEmpty, !answer.secret.isEmpty
        else {
            throw ImageError(
                .unauthorised,
                "\(name): the answer holds no access keys; expected JSON with AccessKeyId and SecretAccessKey")
        }
        var expiry: Int?
        if let text = answer.expiration {
            guard let time = Timestamp.parse(text) ?? offsetTime(text) else {
                throw ImageError(
                    .unauthorised, "\(name): invalid Expiration; expected a time such as 2026-11-23T23:44:56Z")
            }
            expiry = time
        }
        return AccessKeys(
            id: answer.accessKeyID, secret: answer.secret, token: answer.sessionToken ?? answer.token, expiry: expiry)
    }

    /// `2026-11-23T23:44:56+01:00`
    private static func offsetTime(_ text: String) -> Int? {
        guard text.utf8.count > 6, let local = Timestamp.parse("\(text.dropLast(6))Z") else { return nil }
        let offset = text.suffix(6)
        let parts = offset.dropFirst().split(separator: ":").map { Int($0) }
        guard parts.count == 2, let hours = parts[0], let minutes = parts[1] else { return nil }
        switch offset.first {
        case "+": return local - hours * 3600 - minutes * 60
        case "-": return local + hours * 3600 + minutes * 60
        default: return nil
        }
    }
}

/// The keys that sign requests. Their secrets never appear in descriptions.
package struct AccessKeys: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    package var id: String
    package var secret: String
    /// The session token of temporary keys.
    package var token: String?
    /// When temporary keys expire, in seconds since 1970.
    package var expiry: Int?

    package init(id: String, secret: String, token: String? = nil, expiry: Int? = nil) {
        self.id = id
        self.secret = secret
        self.token = token
        self.expiry = expiry
    }

    package var description: String { "access key \(id)" }
    package var customMirror: Mirror { Mirror(self, children: ["id": id]) }

    /// Replaces the secrets in a text that a server sent.
    func hidingSecrets(in text: String) -> String {
        [secret, token ?? ""].filter { $0.utf8.count > 3 }.reduce(text) { $0.replacing($1, with: "***") }
    }
}

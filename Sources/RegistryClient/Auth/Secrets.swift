import ImageModel
import Synchronization

/// What must appear nowhere, in every spelling in which a server may say it back.
///
/// A token that was replaced is still a secret; of very many, the latest are kept.
final class Secrets: Sendable {
    private struct State {
        var spellings: Set<String> = []
        /// Spellings of tokens, in the order in which they came.
        var tokens: [Set<String>] = []
    }

    private static let tokenLimit = 128
    private let state = Mutex(State())

    /// A password, or something else that stays a secret for good.
    func add(_ secret: String) { state.withLock { $0.spellings.formUnion(Self.spellings(of: secret)) } }

    /// One of many that expire.
    func add(token: String) {
        state.withLock { state in
            let spellings = Self.spellings(of: token)
            if state.tokens.last == spellings { return }
            if state.tokens.count >= Self.tokenLimit { state.tokens.removeFirst() }
            state.tokens.append(spellings)
        }
    }

    private static func spellings(of secret: String) -> Set<String> {
        let bytes = Array(secret.utf8)
        // Three bytes are in any text by chance.
        guard bytes.count > 3 else { return [] }
        let percent = PercentEncoding.encode(secret)
        let lower = PercentEncoding.encode(secret, uppercase: false)
        let base64 = String(Base64.encode(bytes).prefix { $0 != "=" })
        let url = String(base64.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 })
        return [
            secret, percent, lower, percent.replacing("%20", with: "+"), lower.replacing("%20", with: "+"), base64, url,
        ]
    }

    func add(_ credentials: Credentials) {
        for text in Self.texts(of: credentials) { add(text) }
    }

    /// Credentials that are replaced from time to time.
    func add(expiring credentials: Credentials) {
        for text in Self.texts(of: credentials) { add(token: text) }
    }

    private static func texts(of credentials: Credentials) -> [String] {
        switch credentials {
        case .password(let user, let secret), .identityToken(let user, let secret): [secret, "\(user):\(secret)"]
        case .registryToken: [credentials.secret]
        }
    }

    func redact(_ text: String) -> String {
        // The longest first: one may be part of another.
        state.withLock { $0.tokens.reduce(into: $0.spellings) { $0.formUnion($1) } }
            .sorted { $0.utf8.count > $1.utf8.count }.reduce(text) { $0.replacing($1, with: "***") }
    }
}

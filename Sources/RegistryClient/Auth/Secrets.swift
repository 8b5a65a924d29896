import ImageModel
import Synchronization

/// What must appear nowhere, in every spelling in which a server may say it back.
///
/// A token that was replaced is still a secret; of very many, the latest are kept.
final class Secrets: Sendable {
    private struct State {
        var secrets: Set<String> = []
        /// In the order in which they came.
        var tokens: [String] = []
        /// Bytes of the tokens.
        var size = 0
    }

    /// Number and bytes of tokens that are kept.
    private static let tokenLimit = (count: 128, size: 1 << 20)
    private let state = Mutex(State())

    /// A password, or something else that stays a secret for good.
    func add(_ secret: String) { state.withLock { _ = $0.secrets.insert(secret) } }

    /// One of many that expire.
    func add(token: String) {
        state.withLock { state in
            if state.tokens.last == token { return }
            state.tokens.append(token)
            state.size += token.utf8.count
            // The last one is kept, whatever its size.
            while state.tokens.count > Self.tokenLimit.count || state.size > Self.tokenLimit.size,
                state.tokens.count > 1
            {
                state.size -= state.tokens.removeFirst().utf8.count
            }
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
        let secrets = state.withLock { Array($0.secrets) + $0.tokens }
        // No spelling is shorter than the secret itself.
        let length = text.utf8.count
        let spellings = secrets.filter { $0.utf8.count <= length }.reduce(into: Set()) {
            $0.formUnion(Self.spellings(of: $1))
        }
        // The longest first: one may be part of another.
        return spellings.sorted { $0.utf8.count > $1.utf8.count }.reduce(text) { $0.replacing($1, with: "***") }
    }
}

import ImageModel
import Synchronization

/// What must appear nowhere, in every spelling in which a server may say it back.
///
/// Nothing is ever taken out: a token that was replaced is still a secret.
final class Secrets: Sendable {
    private let spellings = Mutex<Set<String>>([])

    func add(_ secret: String) {
        let bytes = Array(secret.utf8)
        // Three bytes are in any text by chance.
        guard bytes.count > 3 else { return }
        let percent = PercentEncoding.encode(secret)
        let lower = PercentEncoding.encode(secret, uppercase: false)
        let base64 = String(Base64.encode(bytes).prefix { $0 != "=" })
        let url = String(base64.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 })
        spellings.withLock {
            $0.formUnion([
                secret, percent, lower, percent.replacing("%20", with: "+"), lower.replacing("%20", with: "+"), base64,
                url,
            ])
        }
    }

    func add(_ credentials: Credentials) {
        add(credentials.secret)
        switch credentials {
        case .password(let user, let secret), .identityToken(let user, let secret): add("\(user):\(secret)")
        case .registryToken: break
        }
    }

    func redact(_ text: String) -> String {
        // The longest first: one may be part of another.
        spellings.withLock { $0.sorted { $0.utf8.count > $1.utf8.count } }.reduce(text) {
            $0.replacing($1, with: "***")
        }
    }
}

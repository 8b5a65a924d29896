import Crypto
import Synchronization

/// Remembers which proofs were good, so that not every request pays for checking the same one.
///
/// Holds no secret: a proof is known by its HMAC-SHA256 under a key that only this process has. Only what was
/// verified gets in, so that strangers cannot fill it.
final class VerifiedCache<Value: Sendable>: Sendable {
    /// A proof's place. 32 bytes.
    typealias Key = [UInt8]

    private let secret = SymmetricKey(size: .bits256)
    private let limit: Int
    private let values = Mutex<[Key: Value]>([:])

    /// - Parameter limit: entries; one more, and it begins anew.
    init(limit: Int = 4096) { self.limit = limit }

    /// Tells apart what is cut into parts differently.
    func key(for parts: [UInt8]...) -> Key {
        var hash = HMAC<SHA256>(key: secret)
        for part in parts {
            withUnsafeBytes(of: UInt64(part.count)) { hash.update(data: $0) }
            hash.update(data: part)
        }
        return Key(hash.finalize())
    }

    subscript(key: Key) -> Value? {
        get { values.withLock { $0[key] } }
        set {
            values.withLock {
                if $0.count >= limit { $0.removeAll() }
                $0[key] = newValue
            }
        }
    }
}

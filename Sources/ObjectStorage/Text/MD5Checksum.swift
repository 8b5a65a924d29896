import Crypto

/// The MD5 of an object's bytes, which is the ETag of what was written in one piece.
package struct MD5Checksum: Hashable, Sendable {
    private let words: (UInt64, UInt64)

    package static func == (one: MD5Checksum, other: MD5Checksum) -> Bool { one.words == other.words }
    package func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
    }

    package init(of bytes: [UInt8]) {
        let hash = Array(Insecure.MD5.hash(data: bytes))
        words = hash.withUnsafeBytes {
            ($0.load(as: UInt64.self).bigEndian, $0.load(fromByteOffset: 8, as: UInt64.self).bigEndian)
        }
    }

    /// - Returns: nil for an ETag of another kind.
    package init?(hex: String) {
        guard hex.utf8.count == 32, let first = UInt64(hex.prefix(16), radix: 16),
            let second = UInt64(hex.suffix(16), radix: 16)
        else { return nil }
        words = (first, second)
    }
}

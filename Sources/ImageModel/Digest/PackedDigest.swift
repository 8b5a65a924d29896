/// A SHA-256 digest in 32 bytes: a collection holds every digest of a store at once.
package struct PackedDigest: Hashable, Sendable, Comparable {
    /// The first byte is the highest of the first word.
    private let words: (UInt64, UInt64, UInt64, UInt64)

    /// - Returns: nil unless `hex` is 64 lower-case hexadecimal digits.
    package init?(hex: some StringProtocol) {
        let words: (UInt64, UInt64, UInt64, UInt64)?? = hex.utf8.withContiguousStorageIfAvailable {
            Self.parse(UnsafeRawBufferPointer($0))
        }
        guard let found = words ?? Array(hex.utf8).withUnsafeBytes({ Self.parse($0) }) else { return nil }
        self.words = found
    }

    /// - Returns: nil unless the bytes are 64 lower-case hexadecimal digits.
    package init?(hex: UnsafeRawBufferPointer) {
        guard let words = Self.parse(hex) else { return nil }
        self.words = words
    }

    /// - Returns: nil for another algorithm's.
    package init?(_ digest: Digest) {
        guard digest.algorithm == .sha256 else { return nil }
        self = digest.start
    }

    /// - Parameter hash: at least 32 bytes, of which the first 32 count.
    init(hash: UnsafeRawBufferPointer) {
        precondition(hash.count >= 32)
        func word(_ start: Int) -> UInt64 {
            UInt64(bigEndian: hash.loadUnaligned(fromByteOffset: start, as: UInt64.self))
        }
        words = (word(0), word(8), word(16), word(24))
    }

    /// Writes the 32 bytes of the hash.
    package func append(to bytes: inout [UInt8]) {
        withUnsafeBytes(of: (words.0.bigEndian, words.1.bigEndian, words.2.bigEndian, words.3.bigEndian)) {
            bytes += $0
        }
    }

    private static func parse(_ text: UnsafeRawBufferPointer) -> (UInt64, UInt64, UInt64, UInt64)? {
        guard text.count == 64 else { return nil }
        func word(_ start: Int) -> UInt64? {
            var word: UInt64 = 0
            for position in start..<start + 16 {
                let byte = text[position]
                let digit: UInt8
                switch byte {
                case 48...57: digit = byte - 48
                case 97...102: digit = byte - 87
                default: return nil
                }
                word = word << 4 | UInt64(digit)
            }
            return word
        }
        guard let first = word(0), let second = word(16), let third = word(32), let fourth = word(48) else {
            return nil
        }
        return (first, second, third, fourth)
    }

    /// 0 to 255.
    package var firstByte: Int { Int(words.0 >> 56) }

    package var hex: String {
        String(unsafeUninitializedCapacity: 64) {
            write(to: $0)
            return 64
        }
    }

    /// Writes the 64 hexadecimal digits to the start of `text`.
    func write(to text: UnsafeMutableBufferPointer<UInt8>) {
        func write(_ word: UInt64, at start: Int) {
            var rest = word
            for position in stride(from: start + 15, through: start, by: -1) {
                let digit = UInt8(truncatingIfNeeded: rest) & 15
                text[position] = digit < 10 ? 48 + digit : 87 + digit
                rest >>= 4
            }
        }
        write(words.0, at: 0)
        write(words.1, at: 16)
        write(words.2, at: 32)
        write(words.3, at: 48)
    }

    package var digest: Digest { Digest(self) }

    package static func == (a: Self, b: Self) -> Bool { a.words == b.words }

    package func hash(into hasher: inout Hasher) {
        // All of it: what manifests refer to is anybody's choice.
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
        hasher.combine(words.3)
    }

    package static func < (a: Self, b: Self) -> Bool { a.words < b.words }
}

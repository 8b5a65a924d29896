package import ImageModel

/// A SHA-256 digest in 32 bytes: a collection holds every digest of a store at once.
package struct PackedDigest: Hashable, Sendable, Comparable {
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
        self.init(hex: digest.hex)
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
    var firstByte: Int { Int(words.0 >> 56) }

    package var hex: String {
        String(unsafeUninitializedCapacity: 64) { text in
            var position = 0
            for word in [words.0, words.1, words.2, words.3] {
                for shift in stride(from: 60, through: 0, by: -4) {
                    let digit = UInt8(truncatingIfNeeded: word >> UInt64(shift)) & 15
                    text[position] = digit < 10 ? 48 + digit : 87 + digit
                    position += 1
                }
            }
            return 64
        }
    }

    package var digest: Digest {
        guard let digest = Digest(.sha256, hex: hex) else { preconditionFailure("64 hexadecimal digits are a digest") }
        return digest
    }

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

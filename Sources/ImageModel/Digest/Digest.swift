import Crypto

/// The identity of some bytes: an algorithm and the hash it gave, written `sha256:<64 hex>`.
///
/// Source: OCI image-spec, descriptor.md, "Digests". Only the two registered algorithms exist here.
public struct Digest: Hashable, Sendable, Comparable, CustomStringConvertible {
    public enum Algorithm: String, Sendable, CaseIterable {
        case sha256
        case sha512

        /// Length of the hash in hexadecimal characters.
        public var hexLength: Int { self == .sha256 ? 64 : 128 }
    }

    /// The hash, or the first half of one of SHA-512.
    let start: PackedDigest
    /// The second half of a hash of SHA-512; nil for SHA-256, so that most digests take no memory of their own.
    private let rest: [PackedDigest]?

    public var algorithm: Algorithm { rest == nil ? .sha256 : .sha512 }

    /// Lower-case hexadecimal.
    public var hex: String {
        String(unsafeUninitializedCapacity: algorithm.hexLength) { write(to: $0) }
    }

    /// - Returns: nil unless `hex` is lower-case hexadecimal of the algorithm's length.
    public init?(_ algorithm: Algorithm, hex: some StringProtocol) {
        let digest: Digest?? = hex.utf8.withContiguousStorageIfAvailable {
            Digest(algorithm, hex: UnsafeRawBufferPointer($0))
        }
        guard let found = digest ?? Array(hex.utf8).withUnsafeBytes({ Digest(algorithm, hex: $0) }) else { return nil }
        self = found
    }

    private init?(_ algorithm: Algorithm, hex: UnsafeRawBufferPointer) {
        guard hex.count == algorithm.hexLength,
            let start = PackedDigest(hex: UnsafeRawBufferPointer(rebasing: hex[..<64]))
        else { return nil }
        self.start = start
        switch algorithm {
        case .sha256: rest = nil
        case .sha512:
            guard let half = PackedDigest(hex: UnsafeRawBufferPointer(rebasing: hex[64...])) else { return nil }
            rest = [half]
        }
    }

    /// A SHA-256 digest.
    init(_ packed: PackedDigest) {
        start = packed
        rest = nil
    }

    /// Reads `algorithm:hex`; nil for anything else.
    public init?(_ text: some StringProtocol) {
        guard let colon = text.firstIndex(of: ":"),
            let algorithm = Algorithm(rawValue: String(text[..<colon]))
        else { return nil }
        self.init(algorithm, hex: text[text.index(after: colon)...])
    }

    /// The digest of bytes at hand.
    public init(of bytes: some Sequence<UInt8>, algorithm: Algorithm = .sha256) {
        var hasher = DigestHasher(algorithm)
        let contiguous: Void? = bytes.withContiguousStorageIfAvailable { hasher.update(UnsafeRawBufferPointer($0)) }
        if contiguous == nil { Array(bytes).withUnsafeBytes { hasher.update($0) } }
        self = hasher.finalize()
    }

    /// - Parameter hash: 32 bytes.
    public init(sha256 hash: some Collection<UInt8>) {
        precondition(hash.count == 32)
        self.init(.sha256, hash: hash)
    }

    init(_ algorithm: Algorithm, hash: some Sequence<UInt8>) {
        let bytes = Array(hash)
        (start, rest) = bytes.withUnsafeBytes { bytes in
            let rest = UnsafeRawBufferPointer(rebasing: bytes[32...])
            return (PackedDigest(hash: bytes), algorithm == .sha256 ? nil : [PackedDigest(hash: rest)])
        }
    }

    public var description: String {
        String(unsafeUninitializedCapacity: 7 + algorithm.hexLength) { text in
            _ = text.update(fromContentsOf: "\(algorithm.rawValue):".utf8)
            return 7 + write(to: UnsafeMutableBufferPointer(rebasing: text[7...]))
        }
    }

    /// Writes the hexadecimal digits.
    ///
    /// - Returns: how many.
    private func write(to text: UnsafeMutableBufferPointer<UInt8>) -> Int {
        start.write(to: text)
        if let half = rest?.first { half.write(to: UnsafeMutableBufferPointer(rebasing: text[64...])) }
        return algorithm.hexLength
    }

    /// The first twelve characters of the hash: what people read aloud.
    public var short: String { String(hex.prefix(12)) }

    /// As their texts are ordered.
    public static func < (a: Digest, b: Digest) -> Bool {
        guard a.algorithm == b.algorithm else { return a.algorithm == .sha256 }
        guard a.start == b.start, let one = a.rest?.first, let other = b.rest?.first else { return a.start < b.start }
        return one < other
    }
}

extension Sequence<UInt8> {
    /// Two lower-case digits a byte.
    public var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in self {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}

extension Digest: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let digest = Digest(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "'\(text.prefix(200))' is not a sha256 or sha512 digest")
        }
        self = digest
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// Computes a digest from bytes that arrive in pieces.
package struct DigestHasher: Sendable {
    private enum State {
        case sha256(SHA256)
        case sha512(SHA512)
    }

    private var state: State

    package init(_ algorithm: Digest.Algorithm) {
        state = algorithm == .sha256 ? .sha256(SHA256()) : .sha512(SHA512())
    }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        switch state {
        case .sha256(var hash):
            hash.update(bufferPointer: bytes)
            state = .sha256(hash)
        case .sha512(var hash):
            hash.update(bufferPointer: bytes)
            state = .sha512(hash)
        }
    }

    package func finalize() -> Digest {
        switch state {
        case .sha256(let hash): Digest(.sha256, hash: hash.finalize())
        case .sha512(let hash): Digest(.sha512, hash: hash.finalize())
        }
    }
}

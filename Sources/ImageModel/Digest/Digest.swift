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

    public let algorithm: Algorithm
    /// Lower-case hexadecimal.
    public let hex: String

    /// - Returns: nil unless `hex` is lower-case hexadecimal of the algorithm's length.
    public init?(_ algorithm: Algorithm, hex: some StringProtocol) {
        func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) || (97...102).contains(byte) }
        let bytes = hex.utf8
        // Many are read at a time, and a buffer is looked through far faster than a view.
        guard bytes.count == algorithm.hexLength,
            bytes.withContiguousStorageIfAvailable({ $0.allSatisfy(isDigit) }) ?? bytes.allSatisfy(isDigit)
        else { return nil }
        self.algorithm = algorithm
        self.hex = String(hex)
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
    package init(sha256 hash: some Collection<UInt8>) {
        precondition(hash.count == 32)
        self.init(.sha256, hash: hash)
    }

    init(_ algorithm: Algorithm, hash: some Sequence<UInt8>) {
        self.algorithm = algorithm
        self.hex = hash.hexadecimal
    }

    public var description: String { "\(algorithm.rawValue):\(hex)" }

    /// The first twelve characters of the hash: what people read aloud.
    public var short: String { String(hex.prefix(12)) }

    public static func < (a: Digest, b: Digest) -> Bool { a.description < b.description }
}

extension Sequence<UInt8> {
    /// Two lower-case digits a byte.
    package var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in self {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}

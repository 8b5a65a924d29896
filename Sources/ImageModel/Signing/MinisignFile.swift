/// The text files of minisign: a comment that nobody vouches for, and base64.
///
/// ```
/// untrusted comment: …
/// base64                  of a key: algorithm (2), …, key id (8), key; of a signature: algorithm, key id, signature (64)
/// trusted comment: …      signatures only
/// base64                  likewise: the signature (64) of the signature and the trusted comment
/// ```
/// Source: https://jedisct1.github.io/minisign/, "Signature format" and those that follow.
enum MinisignFile {
    static let sizeLimit = 4 << 10
    static let untrusted = "untrusted comment: "
    static let trusted = "trusted comment: "
    /// Ed25519 over the bytes themselves.
    static let algorithm = Array("Ed".utf8)
    /// Ed25519 over the BLAKE2b hash of the bytes.
    static let hashedAlgorithm = Array("ED".utf8)

    /// The lines, less the end of the last; nil if there are not so many, or it is no text.
    static func lines(_ bytes: [UInt8], count: Int) -> [String]? {
        guard bytes.count <= sizeLimit, let text = String(validating: bytes, as: UTF8.self) else { return nil }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.hasSuffix("\r") ? String(line.dropLast()) : String(line)
        }
        while lines.last?.isEmpty == true { lines.removeLast() }
        return lines.count == count && lines[0].hasPrefix(untrusted) ? lines : nil
    }

    /// As minisign writes a key's id: a number, its last byte first in files.
    static func title(ofKey id: some BidirectionalCollection<UInt8>) -> String {
        id.reversed().hexadecimal.uppercased()
    }
}

import Crypto

/// A secret key of minisign that no password protects, as `minisign -G -W` makes it.
///
/// The text's second line is base64 of 158 bytes: `Ed`, two zeros for "no password", `B2`, 48 bytes that a password
/// would need, the key's id (8), seed (32) and public key (32), and 32 bytes of a checksum that such keys do without.
package struct SigningKey: Sendable {
    private let id: [UInt8]
    /// The key's ID, as minisign prints it.
    package var title: String { MinisignFile.title(ofKey: id) }
    private let key: Curve25519.Signing.PrivateKey

    /// - Parameters:
    ///   - bytes: of the file.
    ///   - name: of the file, for messages.
    /// - Throws: `ImageError.key`; the key itself is in no message.
    package init(_ bytes: [UInt8], name: String) throws {
        guard let line = MinisignFile.lines(bytes, count: 2)?[1], let fields = Base64.decode(line), fields.count == 158,
            fields.starts(with: MinisignFile.algorithm)
        else { throw ImageError.refused("\(name) is no secret key of minisign: 'minisign -G -W' makes one") }
        guard fields[2..<4].allSatisfy({ $0 == 0 }) else {
            throw ImageError.refused(
                "\(name) is protected by a password, which dray does not ask for: make a key without one by "
                    + "'minisign -G -W', or a copy of this one by 'minisign -C -W'")
        }
        id = Array(fields[54..<62])
        let made = try? Curve25519.Signing.PrivateKey(rawRepresentation: fields[62..<94])
        guard let made, made.publicKey.rawRepresentation.elementsEqual(fields[94..<126]) else {
            throw ImageError.refused("\(name) is damaged: its two halves do not belong together")
        }
        key = made
    }

    /// The text of a signature file, as `minisign -S -l` writes it.
    ///
    /// - Parameter comment: is signed as well; one line.
    package func sign(_ message: [UInt8], comment: String) throws -> [UInt8] {
        let signature = [UInt8](try key.signature(for: message))
        let whole = [UInt8](try key.signature(for: signature + Array(comment.utf8)))
        let lines = [
            MinisignFile.untrusted + "signature by dray, with the key \(MinisignFile.title(ofKey: id))",
            Base64.encode(MinisignFile.algorithm + id + signature), MinisignFile.trusted + comment,
            Base64.encode(whole),
        ]
        return Array(lines.map { $0 + "\n" }.joined().utf8)
    }
}

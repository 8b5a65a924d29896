import Crypto

/// A public key of minisign: base64 of `Ed`, the key's id (8) and the key (32).
package struct VerificationKey: Sendable {
    private let id: [UInt8]
    /// The key's ID, as minisign prints it.
    package var title: String { MinisignFile.title(ofKey: id) }
    private let key: Curve25519.Signing.PublicKey

    /// - Parameters:
    ///   - bytes: of the file.
    ///   - name: of the file, for messages.
    /// - Throws: `ImageError.key`.
    package init(_ bytes: [UInt8], name: String) throws {
        guard let line = MinisignFile.lines(bytes, count: 2)?[1], let fields = Base64.decode(line), fields.count == 42,
            fields.starts(with: MinisignFile.algorithm),
            let key = try? Curve25519.Signing.PublicKey(rawRepresentation: fields[10...])
        else {
            throw ImageError.refused(
                "\(name) is no public key of minisign: 'minisign -G' makes one beside a secret key")
        }
        id = Array(fields[2..<10])
        self.key = key
    }

    /// Checks a signature, and that of its comment.
    ///
    /// - Parameters:
    ///   - signature: the text of its file.
    ///   - name: of what was signed, for messages.
    /// - Returns: the trusted comment.
    /// - Throws: `ImageError.signature`.
    @discardableResult
    package func check(_ signature: [UInt8], of message: [UInt8], name: String) throws -> String {
        guard let lines = MinisignFile.lines(signature, count: 4), lines[2].hasPrefix(MinisignFile.trusted),
            let fields = Base64.decode(lines[1]), fields.count == 74,
            let whole = Base64.decode(lines[3]), whole.count == 64
        else { throw ImageError.damaged("\(name): the signature is none of minisign's") }
        guard !fields.starts(with: MinisignFile.hashedAlgorithm) else {
            throw ImageError.damaged(
                "\(name) was signed in minisign's prehashed form, which dray does not check: sign it by 'minisign -S -l'"
            )
        }
        let signer = fields[2..<10]
        guard fields.starts(with: MinisignFile.algorithm), signer.elementsEqual(id) else {
            throw ImageError.damaged(
                "\(name) was signed with the key \(MinisignFile.title(ofKey: signer)), and not with "
                    + MinisignFile.title(ofKey: id))
        }
        let comment = String(lines[2].dropFirst(MinisignFile.trusted.count))
        guard key.isValidSignature(fields[10...], for: message),
            key.isValidSignature(whole, for: Array(fields[10...]) + Array(comment.utf8))
        else {
            throw ImageError.damaged("\(name) is not what was signed, or the signature was changed")
        }
        return comment
    }
}

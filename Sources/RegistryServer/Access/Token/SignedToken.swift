import ImageModel

/// A token taken apart: a JSON Web Signature in its compact form, RFC 7515, section 7.1. Nothing in it is to be
/// believed before its signature was verified.
package struct SignedToken: Sendable {
    let header: TokenHeader
    let claims: TokenClaims
    let signature: [UInt8]
    /// What the signature is of.
    let signed: [UInt8]

    /// - Parameter text: no longer than `TokenVerifier.sizeLimit`.
    /// - Throws: `TokenRefusal`.
    package init(_ text: Substring) throws(TokenRefusal) {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, let head = Base64.decodeURL(Substring(parts[0])),
            let body = Base64.decodeURL(Substring(parts[1])), let signature = Base64.decodeURL(Substring(parts[2])),
            !signature.isEmpty
        else { throw TokenRefusal("it is not three parts in base64url") }
        header = try Self.decode(TokenHeader.self, from: head, name: "its header")
        claims = try Self.decode(TokenClaims.self, from: body, name: "what it says")
        self.signature = signature
        signed = Array(text.utf8[..<parts[1].endIndex])
    }

    private static func decode<T: Decodable>(
        _ type: T.Type, from bytes: [UInt8], name: String
    ) throws(TokenRefusal) -> T {
        do {
            return try Document.decode(type, from: bytes, name: name, sizeLimit: TokenVerifier.sizeLimit)
        } catch {
            throw TokenRefusal("\(name) is not JSON of the expected form")
        }
    }
}

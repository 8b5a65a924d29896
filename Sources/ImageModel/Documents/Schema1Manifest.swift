import FoundationEssentials

/// A manifest of the first schema, signed or not. Old registries hold them; dray verifies and carries them.
/// Source: distribution, docs/spec/manifest-v2-1.
public struct Schema1Manifest: Hashable, Sendable {
    public let name: String
    public let tag: String
    public let architecture: String
    /// Blobs, topmost first, with repeats.
    public let layers: [Digest]
    /// What the signatures sign, and what the digest is of: the document without its signatures.
    public let payload: [UInt8]

    private struct Body: Decodable {
        struct Layer: Decodable { let blobSum: Digest }
        struct Signature: Decodable {
            let protected: String
        }
        let name: String
        let tag: String
        let architecture: String?
        let fsLayers: [Layer]
        let signatures: [Signature]?
    }

    private struct Protected: Decodable {
        let formatLength: Int
        let formatTail: String
    }

    /// - Throws: `DocumentError` if it is not a schema1 manifest or its signatures disagree about the payload.
    public init(_ bytes: [UInt8], name title: String) throws {
        let body = try Document.decode(Body.self, from: bytes, name: title)
        var payloads: Set<[UInt8]> = []
        for signature in body.signatures ?? [] {
            guard let json = Self.base64URL(signature.protected) else {
                throw DocumentError("\(title): a signature's protected header is not base64url")
            }
            let header = try Document.decode(Protected.self, from: json, name: "\(title): a signature's header")
            guard header.formatLength >= 0, header.formatLength <= bytes.count,
                let tail = Self.base64URL(header.formatTail)
            else { throw DocumentError("\(title): a signature's header points outside of the document") }
            payloads.insert(bytes[..<header.formatLength] + tail)
        }
        guard payloads.count <= 1 else {
            throw DocumentError("\(title): its signatures are of different payloads")
        }
        self.name = body.name
        tag = body.tag
        architecture = body.architecture ?? ""
        layers = body.fsLayers.map(\.blobSum)
        payload = payloads.first ?? bytes
    }

    private static func base64URL(_ text: String) -> [UInt8]? {
        var base64 = text.replacing("-", with: "+").replacing("_", with: "/")
        while base64.utf8.count % 4 != 0 { base64 += "=" }
        return Data(base64Encoded: base64).map { [UInt8]($0) }
    }
}

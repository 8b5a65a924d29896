import ImageModel

/// `oci-layout`: that a directory is an OCI layout, and of which version.
struct OCILayoutFile: Decodable {
    let imageLayoutVersion: String

    /// - Throws: `ImageError`.
    init(_ bytes: [UInt8], name: String) throws { self = try Document.decode(Self.self, from: bytes, name: name) }

    static func isKnown(_ version: String) -> Bool { version.hasPrefix("1.0") }
}

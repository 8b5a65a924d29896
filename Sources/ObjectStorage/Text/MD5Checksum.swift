import ByteStreams
package import ImageModel

/// The MD5 of an object's bytes, which is the ETag of what was written in one piece.
package struct MD5Checksum: Hashable, Sendable {
    private let high: UInt64
    private let low: UInt64

    package init(of bytes: [UInt8]) {
        (high, low) = BodyDigest.md5(bytes).withUnsafeBytes {
            ($0.load(as: UInt64.self).bigEndian, $0.load(fromByteOffset: 8, as: UInt64.self).bigEndian)
        }
    }

    /// - Returns: nil for an ETag of another kind.
    package init?(hex: String) {
        guard hex.utf8.count == 32, let high = UInt64(hex.prefix(16), radix: 16),
            let low = UInt64(hex.suffix(16), radix: 16)
        else { return nil }
        (self.high, self.low) = (high, low)
    }

    /// What a registry's link says, if these are the bytes of the digest that its path names: `.../sha256/<hex>/link`.
    package func target(ofLinkAt path: String) -> Digest? {
        let folder = parent(of: path)
        guard lastComponent(of: path) == "link", lastComponent(of: parent(of: folder)) == "sha256",
            let digest = Digest(.sha256, hex: lastComponent(of: folder)),
            MD5Checksum(of: Array(digest.description.utf8)) == self
        else { return nil }
        return digest
    }
}

import ByteStreams
package import ImageModel

/// What a manifest refers to.
package struct ManifestReferences: Sendable {
    /// Manifests that an index lists.
    package private(set) var children: [PackedDigest] = []
    /// The kinds of manifests that the index says its children are.
    package private(set) var childKinds: [ManifestKind] = []
    /// Configs, layers, and what an index lists that is not said to be a manifest.
    package private(set) var blobs: [PackedDigest] = []
    /// Those of the above that go by SHA-512.
    package private(set) var longChildren: [Digest] = []
    package private(set) var longBlobs: [Digest] = []
    package private(set) var subject: Digest?
    package var kind = ManifestKind.image

    package init() {}

    /// Reads a manifest and makes sure that it is the one it is filed as: a reference that the disk has garbled
    /// would cost the blob that is meant.
    ///
    /// - Throws: `ImageError`, `ImageError.damaged`.
    static func read(_ bytes: UnsafeRawBufferPointer, filedAs digest: PackedDigest) throws -> ManifestReferences {
        var hasher = DigestHasher(.sha256)
        hasher.update(bytes)
        let found = hasher.finalize()
        if PackedDigest(found) == digest { return try ReferenceScanner.scan(bytes) }
        // A signed schema1 manifest goes by what is signed.
        let manifest = try? Manifest(Array(bytes), name: "it")
        if let manifest, case .schema1 = manifest.content, PackedDigest(manifest.digest) == digest {
            return try ReferenceScanner.scan(bytes)
        }
        throw ImageError.invalidDocument("its bytes are damaged: their digest is \(found)")
    }

    mutating func addBlob(_ text: String?) throws {
        if let packed = Self.packed(text) { blobs.append(packed) } else { longBlobs.append(try Self.digest(text)) }
    }

    mutating func addChild(_ text: String?, claimedAs kind: ManifestKind) throws {
        if let packed = Self.packed(text) {
            children.append(packed)
            childKinds.append(kind)
        } else {
            longChildren.append(try Self.digest(text))
        }
    }

    mutating func addSubject(_ text: String?) throws {
        let digest = try Self.digest(text)
        guard subject == nil || subject == digest else { throw ImageError.invalidDocument("it has two subjects") }
        subject = digest
    }

    private static func packed(_ text: String?) -> PackedDigest? {
        guard let text, text.hasPrefix("sha256:") else { return nil }
        return PackedDigest(hex: text.dropFirst(7))
    }

    private static func digest(_ text: String?) throws -> Digest {
        guard let digest = text.flatMap({ Digest($0) }) else {
            throw ImageError.invalidDocument(
                "it refers to '\(text?.prefix(200) ?? "")', which is no sha256 or sha512 digest")
        }
        return digest
    }
}

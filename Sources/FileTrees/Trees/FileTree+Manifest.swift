import ByteStreams
package import ImageModel
import ImageTransfer

extension FileTree {
    /// A manifest in a file, verified against its descriptor.
    ///
    /// - Throws: `ImageError.notFound` if the file is missing.
    package func manifest(_ descriptor: Descriptor, at path: String, title: String) throws -> Manifest {
        guard let bytes = try read(path, limit: Document.sizeLimit) else {
            throw ImageError.notFound("\(title) has no manifest \(descriptor.digest)")
        }
        let manifest = try Manifest(
            bytes, mediaType: descriptor.mediaType, algorithm: descriptor.digest.algorithm,
            name: "\(title): the manifest \(descriptor.digest)")
        guard manifest.digest == descriptor.digest else {
            throw ImageError.damaged(
                "\(title): the manifest \(descriptor.digest) is damaged: its digest is \(manifest.digest)")
        }
        try manifest.check(against: descriptor, name: "\(title): the manifest \(descriptor.digest)")
        return manifest
    }
}

/// Manifests by what they name as their subject.
package struct SubjectIndex: Sendable {
    /// The part of a manifest that is kept: it may be large, and there may be many.
    package struct Referrer: Sendable {
        /// Bytes of an encoded descriptor: more than signatures and the like have.
        private static let entryLimit = 4 << 10

        let subject: Digest
        /// Without annotations.
        fileprivate var descriptor: Descriptor
        /// The whole descriptor, encoded; nil where it says no more, or is large.
        fileprivate var entry: [UInt8]?

        /// - Returns: nil for a manifest without a subject.
        package init?(_ manifest: Manifest) {
            guard let subject = manifest.subject?.digest else { return nil }
            self.subject = subject
            descriptor = manifest.descriptor
            descriptor.artifactType = manifest.artifactType
            // What has more bytes may be small after all, but would have to be unpacked to know that.
            guard manifest.size <= Document.ordinarySize, let annotations = manifest.annotations,
                annotations.reduce(0, { $0 + $1.key.utf8.count + $1.value.utf8.count }) <= Self.entryLimit
            else { return }
            entry = (try? Document.encode(manifest.referrerDescriptor)).flatMap {
                $0.count <= Self.entryLimit ? $0 : nil
            }
        }
    }

    private var referrers: [Digest: [Referrer]] = [:]

    package init() {}

    package mutating func add(_ manifest: Manifest) {
        if let referrer = Referrer(manifest) { add(referrer) }
    }

    package mutating func add(_ referrer: Referrer) { referrers[referrer.subject, default: []].append(referrer) }

    /// Annotations are left out where they are large: the manifest has them.
    package func referrers(of digest: Digest) -> [Descriptor] {
        (referrers[digest] ?? []).map { referrer in
            let whole = referrer.entry.flatMap { entry in
                try? Document.decode(Descriptor.self, from: entry, name: "a descriptor")
            }
            return whole ?? referrer.descriptor
        }
    }
}

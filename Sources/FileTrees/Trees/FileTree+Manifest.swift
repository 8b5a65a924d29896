import ByteStreams
package import ImageModel
import ImageTransfer

extension FileTree {
    /// A manifest in a file, verified against its descriptor.
    ///
    /// - Throws: `TransferError.notFound` if the file is missing.
    package func manifest(_ descriptor: Descriptor, at path: String, title: String) throws -> Manifest {
        guard let bytes = try read(path, limit: Document.sizeLimit) else {
            throw TransferError.notFound("\(title) has no manifest \(descriptor.digest)")
        }
        let manifest = try Manifest(
            bytes, mediaType: descriptor.mediaType, algorithm: descriptor.digest.algorithm,
            name: "\(title): the manifest \(descriptor.digest)")
        guard manifest.digest == descriptor.digest else {
            throw TransferError.damaged(
                "\(title): the manifest \(descriptor.digest) is damaged: its digest is \(manifest.digest)")
        }
        try manifest.check(against: descriptor, name: "\(title): the manifest \(descriptor.digest)")
        return manifest
    }
}

/// Manifests by what they name as their subject.
package struct SubjectIndex: Sendable {
    private var referrers: [Digest: [Descriptor]] = [:]

    package init() {}

    package mutating func add(_ manifest: Manifest) {
        if let subject = manifest.subject { add(manifest.referrerDescriptor, to: subject.digest) }
    }

    package mutating func add(_ referrer: Descriptor, to subject: Digest) {
        referrers[subject, default: []].append(referrer)
    }

    package func referrers(of digest: Digest) -> [Descriptor] { referrers[digest] ?? [] }
}

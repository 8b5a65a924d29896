package import ByteStreams
package import ImageModel

/// What is known of a blob before its bytes come.
package struct BlobTarget: Hashable, Sendable {
    /// nil where the blob is compressed or inflated on its way.
    package var digest: Digest?
    /// Bytes; nil likewise.
    package var size: Int64?
    package var repository: String
    /// Of what the blob is made from, so that it is known again when it is sent anew; nil where it cannot be.
    package var source: Digest?
    /// Whether what is there under that digest is damaged, and has to go.
    package var replaces: Bool

    package init(digest: Digest?, size: Int64?, repository: String, source: Digest? = nil, replaces: Bool = false) {
        self.digest = digest
        self.size = size
        self.repository = repository
        self.source = source
        self.replaces = replaces
    }
}

/// One blob on its way into a destination. Used by one thread; blocks.
///
/// Nothing is visible until `commit`, which may be called long after the last byte. `cancel` undoes what
/// was written; after a commit, or a second time, it does nothing.
package protocol BlobWriter: ByteSink {
    /// Makes what was written last through a power cut, as far as there is something to last. `commit` may
    /// then be called when the time has come.
    func flush() throws
    /// - Parameter digest: verified by the caller.
    func commit(_ digest: Digest) throws
    func cancel()
    /// What was written so far, to be read before `commit` or `cancel`.
    func written() throws -> any ByteSource
}

/// What a destination had of a blob is gone: the blob has to be sent again from its first byte. The copier
/// does so where the source can be read again. Who throws it thinks that another try makes sense, and throws
/// something else when it no longer does.
package struct BlobLost: Error, CustomStringConvertible {
    package let reason: String
    /// Whether the destination takes it only if it knows digest and size before the first byte.
    package let needsDigest: Bool

    package init(reason: String, needsDigest: Bool = false) {
        self.reason = reason
        self.needsDigest = needsDigest
    }

    package var description: String {
        "\(reason), and its first bytes cannot be read again: put the input into a file first"
    }
}

/// A destination seems to refuse the manifests of a family. If dray makes the manifest, the copier retries with
/// the other family.
package struct ManifestFormatRefused: Error, CustomStringConvertible {
    package let format: ManifestFormat
    package let reason: any Error

    package init(format: ManifestFormat, reason: any Error) {
        self.format = format
        self.reason = reason
    }

    package var description: String { "\(reason)" }
}

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

package import ByteStreams
package import ImageModel

/// A source that may have an order of its own.
///
/// What comes once is drained before anything else is asked of it: it offers each blob that it meets, and learns
/// from its documents, which may come last, what the blobs were for. What comes in order, but as often as needed,
/// is asked first, and drained for those blobs that are wanted.
package protocol StreamedSource: ImageSource, AnyObject {
    var order: SourceAccess { get }
    /// Reads to the end. Runs on a worker.
    ///
    /// - Parameter accept: is given every member that is not a document that was kept, with its digest where the
    ///   member's name tells it, or an earlier run. Its answer is the digest of the member's bytes; the first time
    ///   it reads to the member's end.
    func drain(_ accept: (_ blob: StreamedBlob) throws -> Digest) throws
}

/// In which order a source can be read.
package enum SourceAccess: Sendable {
    case anyOrder
    /// From front to back, as often as needed: an archive that is compressed as a whole.
    case inOrder
    /// From front to back, once: standard input.
    case once
}

/// A blob in a stream, whose role is not known yet.
package struct StreamedBlob {
    /// Where it stands in the stream, for messages.
    package let title: String
    package let size: Int64
    /// Where the member goes by its digest.
    package let digest: Digest?
    /// By its first bytes.
    package let compression: CompressionFormat
    /// Whether it is a tar that nothing compresses, by its first bytes.
    package let isPlainTar: Bool
    package let content: any ByteSource

    package init(
        title: String, size: Int64, digest: Digest?, compression: CompressionFormat, isPlainTar: Bool,
        content: any ByteSource
    ) {
        self.title = title
        self.size = size
        self.digest = digest
        self.compression = compression
        self.isPlainTar = isPlainTar
        self.content = content
    }
}

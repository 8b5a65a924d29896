public import ByteStreams
public import ImageModel

/// A source that comes once, in its own order: standard input, or an archive compressed as a whole.
///
/// Before anything else is asked of it, it is drained: it offers each blob that it meets, and learns from
/// its documents, which may come last, what the blobs were for.
public protocol StreamedSource: ImageSource {
    /// Whether it does come once, this time.
    var comesOnce: Bool { get }
    /// Reads to the end. Runs on a worker.
    ///
    /// - Parameter accept: is given every member that is not a document, with its digest where the
    ///   member's name tells it, and reads it to its end. Its answer is the digest of the member's bytes.
    func drain(_ accept: (_ blob: StreamedBlob) throws -> Digest) throws
}

/// A blob in a stream, whose role is not known yet.
public struct StreamedBlob {
    /// Where it stands in the stream, for messages.
    public let title: String
    public let size: Int64
    /// Where the member goes by its digest.
    public let digest: Digest?
    /// Whether it is a tar that nothing compresses, by its first bytes.
    public let isPlainTar: Bool
    public let content: any ByteSource

    public init(title: String, size: Int64, digest: Digest?, isPlainTar: Bool, content: any ByteSource) {
        self.title = title
        self.size = size
        self.digest = digest
        self.isPlainTar = isPlainTar
        self.content = content
    }
}

import ByteStreams
import ImageModel

/// A blob whose bytes are at the destination, verified, and wait for their name: it is given when all of the
/// image is there, so that an image that turns out to be damaged leaves nothing behind.
struct MovedBlob: Sendable {
    /// What the blob is at the destination.
    let descriptor: Descriptor
    /// nil where the name was given already.
    private let writer: Handover<any BlobWriter>?

    init(_ descriptor: Descriptor, _ writer: (any BlobWriter)?) {
        self.descriptor = descriptor
        self.writer = writer.map { Handover($0) }
    }

    func commit() throws { try writer?.value.commit(descriptor.digest) }
    func cancel() { writer?.value.cancel() }
}

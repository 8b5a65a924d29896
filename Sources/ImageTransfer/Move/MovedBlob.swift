import ByteStreams
import ImageModel

/// A blob whose bytes are at the destination, verified, and wait for their name: it is given when all of the
/// image is there, so that an image that turns out to be damaged leaves nothing behind.
struct MovedBlob: Sendable {
    /// What the blob is at the destination.
    let descriptor: Descriptor
    /// nil where the name was given already.
    private let writer: Handover<any BlobWriter>?
    /// Gives the name if the process is told to stop.
    private let lastWork: Int?

    init(_ descriptor: Descriptor) {
        self.descriptor = descriptor
        (writer, lastWork) = (nil, nil)
    }

    /// - Parameter isOfUseAlone: whether the next copy can use the blob without its image.
    init(_ descriptor: Descriptor, _ writer: any BlobWriter, isOfUseAlone: Bool) {
        let writer = Handover(writer)
        self.descriptor = descriptor
        self.writer = writer
        lastWork =
            isOfUseAlone
            // The process ends: there is nobody left who could be told.
            ? Interruption.register(lastWork: { try? writer.value.commit(descriptor.digest) }) : nil
    }

    func commit() throws {
        lastWork.map { Interruption.takeBack(lastWork: $0) }
        try writer?.value.commit(descriptor.digest)
    }

    func cancel() {
        lastWork.map { Interruption.takeBack(lastWork: $0) }
        writer?.value.cancel()
    }
}

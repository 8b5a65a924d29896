import ByteStreams
import ImageModel

extension ImageSource {
    /// A blob that belongs to an image, so that it is damage if it is missing.
    func part(_ descriptor: Descriptor, in repository: String?) async throws -> any ByteSource {
        do {
            return PartSource(try await blob(descriptor, in: repository))
        } catch TransferError.notFound(let text) {
            throw PartSource.missing(text)
        }
    }
}

/// Sources may notice at the first read only that there is nothing.
private final class PartSource: ByteSource {
    private let upstream: any ByteSource

    init(_ upstream: any ByteSource) { self.upstream = upstream }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        do {
            return try upstream.read(into: buffer)
        } catch TransferError.notFound(let text) {
            throw Self.missing(text)
        }
    }

    static func missing(_ text: String) -> TransferError { .damaged("\(text), which an image needs") }
}

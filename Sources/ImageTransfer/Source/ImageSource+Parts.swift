import ByteStreams
import ImageModel

extension ImageSource {
    /// A blob that belongs to an image, so that it is damage if it is missing.
    func part(_ descriptor: Descriptor, in repository: String?) async throws -> any ByteSource {
        if let bytes = descriptor.embeddedContent { return BytesSource(bytes) }
        do {
            return PartSource(try await blob(descriptor, in: repository))
        } catch let error as ImageError where error.code == .notFound {
            throw PartSource.missing(error.description)
        }
    }

    /// Why a blob that belongs to an image cannot be had from here; nil if it seems to be here, or its descriptor embeds it.
    func lack(of descriptor: Descriptor, in repository: String?) async throws -> BlobAbsence? {
        guard let absence = try await absence(of: descriptor, in: repository) else { return nil }
        return descriptor.embeddedContent == nil ? absence : nil
    }
}

/// Sources may notice at the first read only that there is nothing.
private final class PartSource: ByteSource {
    private let upstream: any ByteSource

    init(_ upstream: any ByteSource) { self.upstream = upstream }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        do {
            return try upstream.read(into: buffer)
        } catch let error as ImageError where error.code == .notFound {
            throw Self.missing(error.description)
        }
    }

    static func missing(_ text: String) -> ImageError { .damaged("\(text), which an image needs") }
}

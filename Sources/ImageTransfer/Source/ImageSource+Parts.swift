import ByteStreams
package import ImageModel

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
        guard let absence = try await findAbsence(of: descriptor, in: repository) else { return nil }
        return descriptor.embeddedContent == nil ? absence : nil
    }

    /// The reason why a blob is not here; nil if it seems to be, or if that cannot be told without reading it.
    package func findAbsence(of blob: Descriptor, in repository: String?) async throws -> BlobAbsence? {
        try await (self as? any KnowsAbsences)?.absence(of: blob, in: repository)
    }

    /// The diffID that a layer has to have, where only that shows that it is the right one.
    package func findExpectedDiffID(of layer: Digest) async throws -> Digest? {
        try await (self as? any HoldsRawLayers)?.expectedDiffID(of: layer)
    }

    /// The file that holds a blob, for messages.
    func fileTitle(of blob: Digest) -> String { (self as? any NamesBlobFiles)?.title(of: blob) ?? title }
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

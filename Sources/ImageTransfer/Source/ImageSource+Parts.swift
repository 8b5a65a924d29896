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

extension ImageSource {
    /// Calls `body` with each layer below an image, and the diffID that its config claims for it.
    ///
    /// - Parameter seen: manifests that were looked at before.
    func forEachLayer(
        below image: SourceImage, unless seen: inout Set<Digest>,
        _ body: (_ diffID: Digest, _ layer: Descriptor) -> Void
    ) async {
        var queue = [image.descriptor]
        while let descriptor = queue.popLast() {
            guard seen.insert(descriptor.digest).inserted else { continue }
            // What is damaged or missing at the destination is nothing to build upon.
            guard let manifest = try? await manifest(descriptor, in: image.repository) else { continue }
            queue += manifest.children
            guard case .image(let content) = manifest.content,
                let config = try? await config(of: content, in: image.repository),
                config.diffIDs.count == content.layers.count
            else { continue }
            for (diffID, layer) in zip(config.diffIDs, content.layers) { body(diffID, layer) }
        }
    }
}

/// Why a blob that images of a source refer to is not in it, as far as that can be told without reading.
package struct BlobAbsence: Hashable, Sendable {
    /// Whether the source tells why it lacks the blob.
    package enum Kind: Hashable, Sendable {
        case unexplained
        /// A delta leaves it out.
        case leftOut
        case missingVolume
    }

    package var kind: Kind
    /// Reads on from "2 blobs are missing: ".
    package var reason: String
    /// What to do about it, other than to name another place that has it.
    package var advice: String?
    /// Where a destination that was taken stock of had it.
    package var repository: String?

    package init(
        _ kind: Kind = .unexplained, reason: String, advice: String? = nil, repository: String? = nil
    ) {
        self.kind = kind
        self.reason = reason
        self.advice = advice
        self.repository = repository
    }
}

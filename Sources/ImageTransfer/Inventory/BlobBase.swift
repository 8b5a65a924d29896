import ImageModel
import ByteStreams

/// A further place that blobs are taken from where a source lacks them: what a delta builds on.
package final class BlobBase: Sendable, Hashable {
    private let source: any ImageSource
    private let inventory: Inventory

    /// - Parameter listing: the images whose blobs may be taken.
    /// - Throws: `ImageError.refused` for what comes once.
    package init(_ source: any ImageSource, _ listing: SourceListing) async throws {
        guard source.access != .once else {
            throw ImageError.refused(
                "\(source.title) goes by once, and a base is read as it is needed: put it into a file first")
        }
        self.source = source
        inventory = try await Inventory(of: source, listing)
    }

    /// One that was opened twice is two.
    package static func == (one: BlobBase, other: BlobBase) -> Bool { one === other }
    package func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }

    func has(_ blob: Descriptor) -> Bool { inventory.has(blob) }

    func part(_ blob: Descriptor) async throws -> any ByteSource {
        try await source.part(blob, in: inventory.repository(of: blob.digest))
    }
}

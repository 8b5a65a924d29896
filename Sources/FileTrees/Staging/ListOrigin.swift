import ByteStreams
package import ImageModel
import ImageTransfer

/// Whether a list of images belongs to a place, by what of it lies there.
package struct ListOrigin: Sendable {
    /// Whether something lies there under that digest, sound or not.
    let holds: @Sendable (Digest) throws -> Bool

    package init(holds: @escaping @Sendable (Digest) throws -> Bool) { self.holds = holds }

    /// Manifests that are read to find out.
    private static let mostManifests = 1000

    /// - Parameters:
    ///   - entries: of the list.
    ///   - read: gives a manifest from where the list lies, which leads further where none of the entries is here.
    package func isHere(
        _ entries: [Descriptor], reading read: @Sendable (Descriptor) async -> Manifest?
    ) async throws -> Bool {
        var level = entries
        var seen: Set<Digest> = []
        while !level.isEmpty {
            let here = level
            if try await Workers.blobs.run({ try here.contains { try holds($0.digest) } }) { return true }
            level = []
            for entry in here where seen.insert(entry.digest).inserted {
                guard seen.count <= Self.mostManifests else { return false }
                try Task.checkCancellation()
                if let manifest = await read(entry) { level += manifest.children + manifest.blobs }
            }
        }
        return false
    }
}

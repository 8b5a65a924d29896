import ImageModel
import ImageTransfer

/// A source of raw layers in memory, such as a docker-archive.
final class RawPlace: MemoryPlace, HoldsRawLayers, @unchecked Sendable {
    /// The diffIDs that layers have to have. Set before the first copy.
    var diffIDs: [Digest: Digest] = [:]

    func expectedDiffID(of layer: Digest) async throws -> Digest? { diffIDs[layer] }
}

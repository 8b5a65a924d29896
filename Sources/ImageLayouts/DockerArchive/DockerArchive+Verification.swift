package import ImageModel
import ImageTransfer
import ImageVerification

/// What the archive's lists lead to. Layers that have no digest of their own there are known by their diffIDs.
extension DockerArchive: VerifiedPlace {
    package func stamp(of blob: Descriptor, in repository: String?) async throws -> String? { try stamp() }
}

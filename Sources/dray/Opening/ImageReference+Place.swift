import ByteStreams
import ImageLayouts
import ImageModel
import ImageTransfer
import RegistryClient

/// The place that a reference leads to, on this machine or at a registry.
extension ImageReference {
    func source(
        _ options: RegistryOptions, inflation: InflationLimit = .standard
    ) async throws -> any ImageSource {
        guard transport == .registry else { return try source(inflation: inflation) }
        return try await registrySource(options)
    }

    func destination(
        _ options: RegistryOptions, packing: ArchivePacking? = nil
    ) async throws -> any ImageDestination {
        guard transport == .registry, packing == nil else { return try destination(packing: packing) }
        guard location != "docker.io" || name?.contains("/") == true else {
            throw ReferenceError("\(self): a destination needs its registry: docker://HOST/REPOSITORY:TAG")
        }
        return try await registryDestination(options)
    }

    func editor(_ options: RegistryOptions) async throws -> any ImageEditor {
        guard transport == .registry else { return try editor() }
        return try await registrySource(options)
    }

    func verifiedPlace(
        _ options: RegistryOptions, inflation: InflationLimit
    ) async throws -> any VerifiedPlace {
        guard transport == .registry else { return try verifiedPlace(inflation: inflation) }
        return try await registrySource(options)
    }

    func mendablePlace(_ options: RegistryOptions, keepsReplaced: Bool) async throws -> any MendablePlace {
        guard transport == .registry else { return try mendablePlace(keepsReplaced: keepsReplaced) }
        guard !keepsReplaced else {
            throw ReferenceError("\(self): --quarantine is for places on this machine: a registry keeps nothing aside")
        }
        return try await registryDestination(options)
    }

    /// A registry that holds more than anyone could mean without saying so.
    var isPublicRegistry: Bool {
        let hosts = [
            "docker.io", "quay.io", "ghcr.io", "gcr.io", "registry.k8s.io", "mcr.microsoft.com", "public.ecr.aws",
            "registry.gitlab.com", "registry.access.redhat.com",
        ]
        return transport == .registry
            && hosts.contains { location == $0 || location.hasSuffix("." + $0) || location.hasSuffix(".pkg.dev") }
    }
}

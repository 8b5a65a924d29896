import ByteStreams
import DrayKit
import ImageLayouts
import ImageModel
import ImageTransfer
import ImageVerification
import RegistryClient

/// The place that a reference leads to, on this machine or at a registry.
extension ImageReference {
    func source(_ options: RegistryOptions) async throws -> any ImageSource {
        try await source(at: Registries(options))
    }

    /// - Parameter registries: those that are open already.
    func source(at registries: Registries, inflation: InflationLimit = .standard) async throws -> any ImageSource {
        guard transport == .registry else { return try source(inflation: inflation) }
        return try await registries.source(self)
    }

    func destination(
        _ options: RegistryOptions, packing: ArchivePacking? = nil
    ) async throws -> any ImageDestination {
        guard transport == .registry, packing == nil else { return try destination(packing: packing) }
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
}

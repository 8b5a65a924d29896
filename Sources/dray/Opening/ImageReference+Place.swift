import ByteStreams
import ImageLayouts
import ImageModel
import ImageTransfer
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

    func destination(_ options: RegistryOptions) async throws -> any ImageDestination {
        guard transport == .registry else { return try destination() }
        return try await registryDestination(options)
    }

    func editor(_ options: RegistryOptions) async throws -> any ImageEditor {
        guard transport == .registry else { return try editor() }
        return try await registrySource(options)
    }
}

public import ImageModel

/// A destination seems to refuse the manifests of a family. If dray makes the manifest, the copier retries with
/// the other family.
public struct ManifestFormatRefused: Error, CustomStringConvertible {
    public let format: ManifestFormat
    public let reason: any Error

    public init(format: ManifestFormat, reason: any Error) {
        self.format = format
        self.reason = reason
    }

    public var description: String { "\(reason)" }
}

/// A destination that may take manifests of one family alone: some registries take OCI's only.
public protocol ChoosesManifestFormat: ImageDestination {
    /// Whether a family is known to be refused.
    func refuses(_ format: ManifestFormat) -> Bool
}

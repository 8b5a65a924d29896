package import ImageModel

/// A destination seems to refuse the manifests of a family. If dray makes the manifest, the copier retries with
/// the other family.
package struct ManifestFormatRefused: Error, CustomStringConvertible {
    package let format: ManifestFormat
    package let reason: any Error

    package init(format: ManifestFormat, reason: any Error) {
        self.format = format
        self.reason = reason
    }

    package var description: String { "\(reason)" }
}

/// A destination that may take manifests of one family alone: some registries take OCI's only.
package protocol ChoosesManifestFormat: ImageDestination {
    /// Whether a family is known to be refused.
    func refuses(_ format: ManifestFormat) -> Bool
}

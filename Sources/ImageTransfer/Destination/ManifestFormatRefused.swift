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

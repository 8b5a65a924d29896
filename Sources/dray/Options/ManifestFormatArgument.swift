import ArgumentParser
import ImageModel

/// What becomes of the family of manifests.
enum ManifestFormatArgument: String, CaseIterable, ExpressibleByArgument, Sendable {
    case keep
    case docker
    case oci

    var format: ManifestFormat? {
        switch self {
        case .keep: nil
        case .docker: .docker
        case .oci: .oci
        }
    }
}

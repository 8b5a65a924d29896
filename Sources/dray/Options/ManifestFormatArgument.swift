import ArgumentParser
import ImageModel

/// What becomes of the family of manifests.
enum ManifestFormatArgument: String, CaseIterable, ExpressibleByArgument, Sendable {
    case keep
    case docker
    case oci

    init?(argument: String) {
        // skopeo's name.
        let word = argument.lowercased()
        guard let format = word == "v2s2" ? .docker : Self(rawValue: word) else { return nil }
        self = format
    }

    var format: ManifestFormat? {
        switch self {
        case .keep: nil
        case .docker: .docker
        case .oci: .oci
        }
    }
}

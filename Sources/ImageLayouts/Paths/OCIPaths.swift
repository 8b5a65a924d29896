import FileTrees
package import ImageModel

/// Where things are in an OCI image layout. Source: OCI image-spec, image-layout.md.
///
/// ```
/// oci-layout                 {"imageLayoutVersion":"1.0.0"}
/// index.json                 an image index: the entries, named by annotations
/// blobs/sha256/<hex>         layers, configs, manifests and indexes alike
/// .dray/staging/             while dray writes: files without names yet
/// .dray/lock                 locked by whoever changes index.json
/// .dray/layers               see LayerMemory; may be removed
/// ```
package enum OCIPaths {
    package static let layout = ImageForm.layoutMark
    package static let index = ImageForm.layoutIndex
    package static let layoutContent = #"{"imageLayoutVersion":"1.0.0"}"#

    package static let blobs = ImageForm.layoutBlobs
    package static func blob(_ digest: Digest) -> String { "\(blobs)/\(digest.algorithm.rawValue)/\(digest.hex)" }

    /// The name within the layout. Source: image-spec, annotations.md.
    static let refName = "org.opencontainers.image.ref.name"
    /// The full name, as containerd and docker write it.
    static let imageName = "io.containerd.image.name"
    /// Which part of `refName` is the registry's host: dray's own annotation. Empty where no part is.
    static let host = "dev.dray.image.host"
    /// What an entry is, in layouts of cosign and hauler.
    static let kind = "kind"
}

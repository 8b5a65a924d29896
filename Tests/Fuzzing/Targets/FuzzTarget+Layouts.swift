import ByteStreams
import ImageLayouts
import ImageModel
import ImageTransfer
import RegistryStore

extension FuzzTarget {
    static let layouts = [
        FuzzTarget("docker-archives") { bytes in
            let tree = TreeOfSections(bytes)
            let oci = OCISource(tree)
            let contents = try DockerArchiveParser(tree: tree, oci: oci, limit: .small).parse()
            for image in contents.listing.images {
                _ = image.title
                // A layout alone is listed without reading its manifests.
                guard tree.bytes(at: "manifest.json") != nil else { continue }
                let isKnown = contents.manifests[image.descriptor.digest] != nil
                try promise(
                    "a listed image has a manifest",
                    isKnown || (try? oci.manifest(of: image.descriptor)) != nil)
            }
        },
        FuzzTarget("oci-layouts") { bytes in
            let tree = TreeOfSections(bytes)
            let source = OCISource(tree)
            let contents = try source.archiveContents()
            _ = contents.remarks
            for image in try source.listEntries().images {
                _ = image.title
                _ = try? source.referrers(of: image.descriptor.digest)
                guard let manifest = try? source.manifest(of: image.descriptor) else { continue }
                for blob in manifest.blobs { _ = contents.absence(of: blob) }
            }
        },
        FuzzTarget("stores") { bytes in
            let source = StoreSource(TreeOfSections(bytes))
            for image in try source.listAll().images { _ = image.title }
        },
        FuzzTarget("volumes") { bytes in
            let tree = TreeOfSections(bytes)
            _ = try? RecoveryFile(in: tree)
            guard let place = try VolumePlace(in: tree) else { return }
            let set = try VolumeTree(path: "archive", set: place.set, volumes: [place.volume: tree], lost: [:])
            _ = set.missing
            let source = OCISource(set)
            _ = try source.archiveContents().remarks
            for image in try source.listEntries().images {
                guard let manifest = try? source.manifest(of: image.descriptor) else { continue }
                for blob in manifest.blobs {
                    let content = try? set.open("blobs/\(blob.digest.path)")
                    _ = try content?.drain()
                }
            }
        },
    ]
}

extension Digest {
    /// Below a layout's `blobs`.
    fileprivate var path: String { "\(algorithm.rawValue)/\(hex)" }
}

extension InflationLimit {
    /// The same code, sooner.
    static let small = InflationLimit(ratio: 50, allowance: 4 << 20)
}

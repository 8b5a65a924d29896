package import ByteStreams
package import FileTrees

extension TreeOptions {
    /// For whatever holds images.
    package static func ofImages(_ inflation: InflationLimit = .standard) -> TreeOptions {
        TreeOptions(
            inflation: inflation, sharedDirectory: OCIPaths.blobs,
            lists: [
                OCIPaths.index: LayoutList.self, "manifest.json": DockerManifestFile.self,
                "repositories": DockerRepositoriesFile.self, VolumePaths.packingList: PackingList.self,
            ])
    }
}

import ImageModel
import ImageTransfer
import TarArchive

/// An archive as it is going to be, as far as that is known before its first byte: what nobody could read afterwards is
/// refused then.
struct ArchiveForecast {
    let metadata: ArchiveMetadata
    let files: [ArchiveFile]
    /// Manifests and blobs, each once.
    let manifestCount: Int
    let blobCount: Int
    /// Bytes of the members that the manifests are, at most.
    let manifestBytes: Int64

    /// - Parameters:
    ///   - empty: takes in what is announced.
    ///   - title: of the archive.
    /// - Throws: `ImageError.refused`.
    init(_ images: AnnouncedImages, _ empty: ArchiveMetadata, title: String) throws {
        var metadata = empty
        var manifestBytes: Int64 = 0
        var size = TarSize()
        var manifests: Set<Digest> = []
        var blobs: Set<Digest> = []
        func add(_ digest: Digest) throws {
            guard let excess = size.add(path: OCIPaths.blob(digest)) else { return }
            throw ImageError.refused("\(title) would have \(excess): copy fewer images at a time")
        }
        do {
            try images.forEach { image in
                metadata.add(image)
                for manifest in image.manifests where manifests.insert(manifest.digest).inserted {
                    try add(manifest.digest)
                    // Digits of sizes that are not known yet.
                    manifestBytes += Self.member(manifest.size + 32 * Int64(manifest.blobs.count) + 256)
                    for blob in manifest.blobs where !blob.staysAway && blobs.insert(blob.digest).inserted {
                        try add(blob.digest)
                    }
                }
            }
            files = try metadata.files()
        } catch let error as ImageError where error.code == .invalidDocument {
            throw ImageError.refused("\(title): \(error): copy fewer images at a time")
        }
        self.metadata = metadata
        self.manifestBytes = manifestBytes
        manifestCount = manifests.count
        blobCount = blobs.count
    }

    /// A member with its header, whatever its path.
    static func member(_ size: Int64) -> Int64 { 3 * Int64(TarFormat.blockSize) + TarFormat.padded(size) }
}

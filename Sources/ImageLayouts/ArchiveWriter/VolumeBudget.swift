import ImageModel
import TarArchive

/// How much of each volume the blobs may take, so that what stands in every one of them fits behind.
struct VolumeBudget {
    /// Where blobs have to end, in bytes from a volume's start.
    let end: Int64

    /// - Parameters:
    ///   - forecast: of all that may be put: sizes may be guesses that are not too small.
    ///   - size: bytes of a volume.
    /// - Throws: `ImageError.refused` if less than half of it would be left for blobs.
    init(_ forecast: ArchiveForecast, _ packing: ArchivePacking, size: Int64) throws {
        let documents = forecast.files.reduce(Int64(0)) { $0 + ArchiveForecast.member($1.size) }
        // One entry each for manifests, blobs and, twice, volumes; more where a repository may be named.
        let list = ArchiveForecast.member(
            4096 + 320 * Int64(forecast.manifestCount)
                + (packing.have.isEmpty ? 320 : 640) * Int64(forecast.blobCount)
                + 600 * Int64(PackingList.volumeLimit))
        // A recovery volume is as large as the largest of the others, and has these behind that.
        let recovery = packing.recoveryVolumes > 0 ? list + 160 * Int64(PackingList.volumeLimit) : 0
        let tail = documents + forecast.manifestBytes + list + recovery + 16 << 10
        // FAT32 holds one byte less than 4 GiB.
        let end = (size - 1 - tail) / Int64(TarFormat.blockSize) * Int64(TarFormat.blockSize)
        guard end >= size / 2 else {
            throw ImageError.refused(
                "--volume-size \(size) is too small: \(tail) bytes are needed in every volume for manifests and the packing "
                    + "list, so choose \(2 * tail + 1024) bytes or more")
        }
        self.end = end
    }
}

import ByteStreams
import ImageModel

/// The bytes of a blob on their way: verified, and packed as wanted.
///
/// What is pulled from `output` is what the destination stores; `finish` then tells what it was.
final class BlobPipe {
    let output: any ByteSource
    private let input: VerifyingSource
    private let made: (any Hashed)?
    private let job: BlobJob

    /// - Parameters:
    ///   - bytes: the blob as it lies in the source.
    ///   - title: of the blob, for messages.
    ///   - level: of the compression that it gets.
    init(
        _ job: BlobJob, bytes: any ByteSource, title: String, level: Int?, inflation: InflationLimit
    ) throws {
        self.job = job
        let size = job.blob.size < 0 ? nil : job.blob.size
        let format = job.blob.mediaType.layerCompression?.streamFormat
        // What is gzipped is hashed beside that, on both sides of it; and what was inflated, beside that.
        let tarAlgorithm = (format == nil ? job.blob.digest : job.diffID)?.algorithm
        let tarHasher: LaneHasher? =
            switch job.compression {
            case .gzip: tarAlgorithm.map { LaneHasher($0) }
            case .some(.none): tarAlgorithm == .sha256 ? LaneHasher() : nil
            case .zstd, nil: nil
            }
        input = VerifyingSource(
            bytes, digest: job.blob.digest, size: size, name: title, hashedBy: format == nil ? tarHasher : nil)
        guard let wanted = job.compression else {
            made = nil
            output = input
            return
        }
        var tar: any ByteSource = input
        if let format {
            tar = try InflatingSource(tar, format: format, limit: inflation, name: title)
            if let diffID = job.diffID {
                tar = VerifyingSource(
                    tar, digest: diffID, size: nil, name: "\(title), inflated,", hashedBy: tarHasher)
            }
        } else if let diffID = job.diffID, diffID != job.blob.digest {
            guard diffID.algorithm != job.blob.digest.algorithm else {
                throw ImageError.damaged("\(title): the config gives it the diffID \(diffID)")
            }
            tar = VerifyingSource(tar, digest: diffID, size: nil, name: "\(title), as its config names it,")
        }
        switch wanted {
        case .gzip:
            let hasher = LaneHasher()
            made = hasher
            output = GzipCompressor(tar, level: level, hashingInput: tarHasher, output: hasher)
        case .none:
            let hasher = tarHasher ?? LaneHasher()
            made = hasher
            output = LaneHashingSource(tar, hashedBy: hasher)
        case .zstd:
            let hashing = HashingSource(ZstdCompressor(tar, level: level))
            made = hashing
            output = hashing
        }
    }

    /// What came out, once all of it was pulled.
    func finish() throws -> Descriptor {
        guard let made, let wanted = job.compression else { return job.blob.plain }
        // An inflater may be done before its input is: what follows is to be verified as well.
        _ = try input.drain()
        return Descriptor(
            mediaType: .packed(job.blob.mediaType, as: wanted), digest: made.digest(), size: made.count)
    }
}

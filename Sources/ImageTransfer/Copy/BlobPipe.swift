import ByteStreams
import ImageModel

/// One blob to be moved, and what it becomes.
struct BlobMove: Hashable, Sendable {
    var blob: Descriptor
    /// nil: byte for byte.
    var compression: LayerCompression?
    /// Of a layer: what its tar has to hash to.
    var diffID: Digest?

    /// Two moves that are the same work.
    struct Key: Hashable, Sendable {
        var digest: Digest
        var compression: LayerCompression?
        /// What was verified on the way.
        var diffID: Digest?
    }

    var key: Key {
        Key(digest: blob.digest, compression: compression, diffID: compression == nil ? nil : diffID)
    }
}

/// The bytes of a blob on their way: verified, and packed as wanted.
///
/// What is pulled from `output` is what the destination stores; `finish` then tells what it was.
final class BlobPipe {
    let output: any ByteSource
    private let input: VerifyingSource
    private let made: (any Hashed)?
    private let move: BlobMove

    /// - Parameters:
    ///   - bytes: the blob as it lies in the source.
    ///   - title: of the blob, for messages.
    ///   - level: of the compression that it gets.
    init(
        _ move: BlobMove, bytes: any ByteSource, title: String, level: Int?, inflation: InflationLimit
    ) throws {
        self.move = move
        let size = move.blob.size < 0 ? nil : move.blob.size
        let format = move.blob.mediaType.layerCompression?.streamFormat
        // What is gzipped is hashed beside that, on both sides of it; and what was inflated, beside that.
        let tarAlgorithm = (format == nil ? move.blob.digest : move.diffID)?.algorithm
        let tarHasher: LaneHasher? =
            switch move.compression {
            case .gzip: tarAlgorithm.map { LaneHasher($0) }
            case .some(.none): tarAlgorithm == .sha256 ? LaneHasher() : nil
            case .zstd, nil: nil
            }
        input = VerifyingSource(
            bytes, digest: move.blob.digest, size: size, name: title, hashedBy: format == nil ? tarHasher : nil)
        guard let wanted = move.compression else {
            made = nil
            output = input
            return
        }
        var tar: any ByteSource = input
        if let format {
            tar = try InflatingSource(tar, format: format, limit: inflation, name: title)
            if let diffID = move.diffID {
                tar = VerifyingSource(
                    tar, digest: diffID, size: nil, name: "\(title), inflated,", hashedBy: tarHasher)
            }
        } else if let diffID = move.diffID, diffID != move.blob.digest {
            throw TransferError.damaged("\(title): the config gives it the diffID \(diffID)")
        }
        switch wanted {
        case .gzip:
            let hasher = LaneHasher()
            made = hasher
            output = GzipSource(tar, level: level, hashingInput: tarHasher, output: hasher)
        case .none:
            let hasher = tarHasher ?? LaneHasher()
            made = hasher
            output = LaneHashingSource(tar, hashedBy: hasher)
        case .zstd:
            let hashing = HashingSource(ZstdSource(tar, level: level))
            made = hashing
            output = hashing
        }
    }

    /// What came out, once all of it was pulled.
    func finish() throws -> Descriptor {
        guard let made, let wanted = move.compression else { return move.blob.plain }
        // An inflater may be done before its input is: what follows is to be verified as well.
        _ = try input.drain()
        return Descriptor(
            mediaType: .packed(move.blob.mediaType, as: wanted), digest: made.digest(), size: made.count)
    }
}

extension LayerCompression {
    /// The stream format that has to be undone; nil for a plain tar.
    var streamFormat: CompressionFormat? {
        switch self {
        case .none: nil
        case .gzip: .gzip
        case .zstd: .zstd
        }
    }
}

extension MediaType {
    /// The name of a layer once it is packed otherwise: of the same family, if that has one.
    static func packed(_ layer: MediaType, as compression: LayerCompression) -> MediaType {
        .layer(compression, in: layer.manifestFamilyOfLayer) ?? .layer(compression, in: .oci) ?? layer
    }

    /// The family whose name for a layer this is.
    var manifestFamilyOfLayer: ManifestFormat { self == .dockerLayer || self == .dockerLayerGzip ? .docker : .oci }
}

import ByteStreams
import ImageModel
import TarArchive

/// What was found when a blob was read to its end.
enum BlobState: Hashable, Sendable {
    /// - Parameters:
    ///   - size: bytes.
    ///   - tar: what it holds as a layer; nil where that was not looked at.
    case sound(size: Int64, tar: LayerContent?)
    case missing
    case damaged(String)
    /// The disk or the network does not give it.
    case unreadable(String)

    /// What a layer's bytes inflate to.
    enum LayerContent: Hashable, Sendable {
        /// - Parameter diffIDs: by each algorithm that it was hashed with.
        case tar(diffIDs: Set<Digest>)
        case broken(String)
    }

    /// Reads a blob.
    ///
    /// - Parameters:
    ///   - diffIDs: by which algorithms its diffID is to be known: then it is inflated on the way, and its tar
    ///     followed. Empty for what is no layer.
    ///   - mostBytes: what goes beyond that is damage, and is not read; nil for no limit.
    ///   - title: for messages.
    /// - Throws: only what is not about this blob.
    static func read(
        _ bytes: any ByteSource, as blob: Digest, diffIDs: Set<Digest.Algorithm>, mostBytes: Int64?,
        inflation: InflationLimit,
        title: String
    ) throws -> BlobState {
        do {
            let bounded = mostBytes.map { Self.bounded(bytes, to: $0, title) } ?? bytes
            let hashing = HashingSource(bounded, algorithm: blob.algorithm)
            let content =
                diffIDs.isEmpty ? nil : try layer(hashing, diffIDs: diffIDs, inflation: inflation, title: title)
            _ = try hashing.drain()
            let found = hashing.digest()
            guard found == blob else {
                return .damaged("its digest is \(found), and it has \(hashing.count) bytes")
            }
            return .sound(size: hashing.count, tar: content)
        } catch {
            return try failure(error)
        }
    }

    /// What a failure says of the blob that was asked for.
    ///
    /// - Throws: the failure, if it is about something else.
    static func failure(_ error: any Error) throws -> BlobState {
        switch error {
        case let error as ImageError where error.code == .notFound: return .missing
        case let error as ImageError where error.isAboutContent: return .damaged("\(error)")
        case let error as ImageError where error.errno != nil: return .unreadable("\(error)")
        default: throw error
        }
    }

    static func layer(
        _ bytes: HashingSource, diffIDs: Set<Digest.Algorithm>, inflation: InflationLimit, title: String
    ) throws -> LayerContent {
        let peeking = PeekingSource(bytes)
        let format = CompressionFormat.sniff(try peeking.peek(6))
        do {
            var tar: any ByteSource =
                format == .none
                ? peeking
                : try InflatingSource(peeking, format: format, limit: inflation, takesPadding: false, name: title)
            var hashes: [HashingSource] = []
            for algorithm in diffIDs {
                hashes.append(HashingSource(tar, algorithm: algorithm))
                tar = hashes[hashes.count - 1]
            }
            try TarCheck.run(tar, name: title)
            return .tar(diffIDs: Set(hashes.map { $0.digest() }))
        } catch let error as ImageError where error.isAboutContent {
            return .broken("\(error)")
        }
    }

    /// What another source gives, which has to end in time.
    private static func bounded(_ bytes: any ByteSource, to limit: Int64, _ title: String) -> any ByteSource {
        var count: Int64 = 0
        return ReadingSource { buffer in
            let got = try bytes.read(into: buffer)
            count += Int64(got)
            guard count <= limit else {
                throw ImageError.damaged("\(title) has more than the \(limit) bytes that its manifests say")
            }
            return got
        }
    }
}

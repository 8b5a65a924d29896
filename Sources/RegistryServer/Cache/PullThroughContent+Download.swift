import ByteStreams
import ImageModel
import Logging
import RegistryStore
import Synchronization

/// A blob that is fetched into the store, and read by clients meanwhile.
extension PullThroughContent {
    /// Bytes of a blob whose size the upstream does not tell: it may not fill the disk for ever.
    private static let largestUntold: Int64 = 64 << 30

    /// Begins to download a blob, unless it has arrived since the last look. The download goes on when its clients have
    /// gone: the next client finds the blob in the cache. Until it has begun, it ends with them.
    ///
    /// - Parameter client: the one whose turn it waits for.
    func download(
        _ key: ContentKey, for client: ClientAddress.Share, _ isWanted: @escaping @Sendable () -> Bool
    ) async throws -> ServedBlob? {
        if let known = try await local.blob(key.digest, in: key.repository) { return known }
        await upstream.prepare()
        let (begun, news) = AsyncThrowingStream.makeStream(of: ServedBlob?.self)
        let task = Task { [self] in
            do {
                try await fetching.run(on: .fetches, for: client, if: isWanted) { [self] in
                    let download = try begin(key)
                    if let download { arriving.withLock { $0[key] = download.served } }
                    news.yield(download?.served)
                    if let download { receive(download, key) }
                }
                news.finish()
            } catch {
                news.finish(throwing: error)
            }
        }
        return try await withTaskCancellationHandler {
            for try await served in begun { return served }
            throw CancellationError()
        } onCancel: {
            task.cancel()
        }
    }

    private struct Download {
        var source: any ByteSource
        var upload: StoreUpload
        var blob: ArrivingBlob
        /// -1 if the upstream does not tell.
        var size: Int64

        var served: ServedBlob { ServedBlob(size: size, bytes: .arriving(blob)) }
    }

    private func begin(_ key: ContentKey) throws -> Download? {
        let found = try health.observeOther(within: nil) { try upstream.download(key.digest, in: key.repository) }
        guard let (source, size) = found else { return nil }
        let upload = try StoreUpload.begin(in: key.repository, of: local.store)
        return Download(source: source, upload: upload, blob: try ArrivingBlob(upload), size: size)
    }

    private func receive(_ download: Download, _ key: ContentKey) {
        let (upload, blob) = (download.upload, download.blob)
        let limit = download.size >= 0 ? download.size : Self.largestUntold
        do {
            try download.source.forEachPiece(of: 256 << 10) { piece in
                guard upload.size + Int64(piece.count) <= limit else {
                    throw ImageError.damaged("\(upstream.title): blob \(key.digest) exceeds its expected size")
                }
                try upload.append(piece)
                upload.hash(piece)
                blob.arrived(piece.count)
            }
            guard try upload.commit(key.digest) else {
                throw ImageError.damaged("\(upstream.title): blob \(key.digest) does not match its digest")
            }
            metrics.cacheFetched(.blob, bytes: upload.size)
            metrics.cacheServed(.blob, bytes: upload.size, isHit: false)
            forget(key)
            blob.ended(nil)
        } catch {
            logger.error("proxy: \(key.repository): \(error)")
            forget(key)
            blob.ended(error)
            do {
                try upload.cancel()
            } catch {
                logger.error("proxy: \(key.repository): \(error)")
            }
        }
    }

    private func forget(_ key: ContentKey) { arriving.withLock { $0[key] = nil } }
}

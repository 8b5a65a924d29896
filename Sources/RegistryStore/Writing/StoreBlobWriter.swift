import ByteStreams
import FileTrees
import ImageModel
import ImageTransfer

/// A blob on its way into a store, which keeps everything under its SHA-256.
final class StoreBlobWriter: BlobWriter {
    private let staged: any BlobWriter
    private let writer: Store
    private let repository: String
    /// Of a blob that goes by another algorithm.
    private var canonical: DigestHasher?

    init(_ store: Store, target: BlobTarget) throws {
        writer = store
        repository = target.repository
        canonical = target.digest.map { $0.algorithm == .sha256 } ?? true ? nil : DigestHasher(.sha256)
        staged = try store.tree.writer(for: target) { [paths = store.paths] in paths.blob($0) }
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        canonical?.update(bytes)
        try staged.write(bytes)
        try writer.stayFresh()
    }

    func written() throws -> any ByteSource { try staged.written() }

    func flush() throws { try staged.flush() }

    /// A blob that is there already is touched, so that a garbage collection leaves it.
    func commit(_ digest: Digest) throws {
        guard digest.algorithm != .sha256 else { return try commit(as: digest) }
        guard let target = canonical?.finalize() else {
            throw ImageError.refused("\(writer.title): the blob \(digest) came without notice of its algorithm")
        }
        try commit(as: target)
        writer.remember(digest, is: target)
    }

    private func commit(as target: Digest) throws {
        try writer.tree.whileUsing {
            _ = try writer.tree.keep(writer.paths.blob(target))
            try staged.commit(target)
        }
    }

    func cancel() { staged.cancel() }
}

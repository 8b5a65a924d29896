import ByteStreams
import ImageModel
import ImageTransfer
import ObjectStorage

/// A blob on its way into a bucket: to its final key where its digest is known, and else to a key of its own, from where
/// the server copies it.
final class BlobInBucket: BlobWriter {
    private enum Place {
        case final(key: String)
        case staged(key: String)
    }

    private let tree: StoreBucket
    private let file: (Digest) -> String
    private let place: Place
    private let writer: ObjectWriter
    /// Whether its bytes are an object at the staged key.
    private var isStored = false

    /// Bytes of a blob that waits in memory for its name.
    private static let memoryLimit = 64 << 10

    init(_ tree: StoreBucket, _ target: BlobTarget, _ file: @escaping (Digest) -> String) {
        self.tree = tree
        self.file = file
        let final = target.digest.flatMap { $0.algorithm == .sha256 ? file($0) : nil }
        let key = tree.place.key(final ?? "\(StoreBucket.staging)/\(uniqueName())")
        place = final == nil ? .staged(key: key) : .final(key: key)
        writer = tree.place.bucket.writer(key, expectedSize: target.size)
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws { try writer.write(bytes) }

    /// Sends what is there, so that a blob which waits for its name takes no memory.
    func flush() throws {
        switch place {
        case .final: try writer.flush()
        case .staged: if writer.isStarted || writer.count > Self.memoryLimit { try store() }
        }
    }

    private func store() throws {
        guard !isStored else { return }
        try writer.commit()
        isStored = true
    }

    func commit(_ digest: Digest) throws {
        let final = tree.place.key(file(digest))
        switch place {
        case .final(let key):
            guard key == final else { throw ImageError.damaged("\(tree.title): \(digest) came as another blob") }
            try writer.commit()
        case .staged(let key):
            if !isStored, !writer.isStarted { return try writer.commit(as: final) }
            try store()
            try tree.ask { [size = writer.count] in try await $0.copy(key, to: final, size: size) }
            tree.removeLater(key)
        }
    }

    func cancel() {
        writer.abort()
        if isStored, case .staged(let key) = place { tree.removeLater(key) }
    }

    func written() throws -> any ByteSource {
        guard case .staged(let key) = place else {
            throw ImageError.refused(
                "\(tree.title): the blob cannot be packed in another form any more; put the archive into a file first")
        }
        try store()
        guard let content = try tree.ask({ try await $0.get(key) }) else {
            throw ImageError.notFound("\(tree.title) no longer has \(key)")
        }
        return content
    }
}

import ByteStreams
import ImageModel
import ImageVerification
import Synchronization

/// The manifests of a store, each read once however many repositories have it.
final class ManifestShelf: Sendable {
    enum Finding: Sendable {
        case references(ManifestReferences)
        case missing
        /// Its bytes are there, and do not tell what they refer to.
        case unreadable(any Error)
    }

    /// Reads a manifest's bytes; nil if there are none.
    private let read: Reader
    typealias Body = (UnsafeRawBufferPointer) throws -> ManifestReferences
    typealias Reader = @Sendable (PackedDigest, Body, UnsafeMutableRawBufferPointer) throws -> ManifestReferences?
    /// In several parts, so that threads seldom want the same one.
    private let parts: [Part]

    private final class Part: Sendable {
        let known = Mutex<[PackedDigest: ManifestReferences]>([:])
    }

    /// - Parameter blobs: `blobs/sha256`; nil in a store without blobs.
    convenience init(_ blobs: DirectoryHandle?) {
        self.init { digest, body, buffer in
            let hex = digest.hex
            return try blobs?.read("\(hex.prefix(2))/\(hex)/data", into: buffer, body)
        }
    }

    init(_ read: @escaping Reader) {
        self.read = read
        parts = (0..<256).map { _ in Part() }
    }

    /// - Parameter buffer: a byte larger than the largest manifest.
    func references(of digest: PackedDigest, _ buffer: UnsafeMutableRawBufferPointer) -> Finding {
        let part = parts[digest.firstByte]
        if let references = part.known.withLock({ $0[digest] }) { return .references(references) }
        do {
            let read = try read(
                digest,
                { bytes in
                    guard bytes.count < buffer.count else {
                        throw ImageError.invalidDocument(
                            "it is larger than any manifest, which have \(Document.sizeLimit) bytes at most")
                    }
                    return try ManifestReferences.read(bytes, filedAs: digest)
                }, buffer)
            guard let read else { return .missing }
            part.known.withLock { $0[digest] = read }
            return .references(read)
        } catch {
            return .unreadable(error)
        }
    }
}

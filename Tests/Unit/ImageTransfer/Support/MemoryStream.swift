import ByteStreams
import ImageModel
import ImageTransfer
import Synchronization

/// An archive in memory that can be read from front to back only: layers come in their order, while manifests and configs
/// are kept, as in an archive whose documents were read on the way.
class MemoryStream: StreamedSource, @unchecked Sendable {
    /// One entry of the archive.
    struct Member {
        var bytes: [UInt8]
        /// The digest that the entry's name gives; nil for a name such as `layer.tar`.
        var digest: Digest?

        init(_ bytes: [UInt8], digest: Digest? = nil) {
            self.bytes = bytes
            self.digest = digest
        }

        /// An entry that is named after its digest, as in an OCI layout.
        static func named(_ bytes: [UInt8]) -> Member { Member(bytes, digest: Digest(of: bytes)) }
    }

    let base: MemoryPlace
    let order: SourceAccess
    private let members: [Member]
    private let count = Mutex(0)

    init(_ base: MemoryPlace, _ members: [Member], order: SourceAccess = .once) {
        self.base = base
        self.members = members
        self.order = order
    }

    /// Number of times that the archive was read to its end.
    var runs: Int { count.withLock(\.self) }

    var title: String { base.title }
    var madeUpRepository: String { base.madeUpRepository }

    func listing() async throws -> SourceListing {
        guard order != .once || runs == 1 else { throw ImageError.refused("\(title) was asked before its end") }
        return try await base.listing()
    }
    func manifest(_ descriptor: Descriptor, in repository: String?) async throws -> Manifest {
        try await base.manifest(descriptor, in: repository)
    }
    func blob(_ descriptor: Descriptor, in repository: String?) async throws -> any ByteSource {
        if order == .once, members.contains(where: { Digest(of: $0.bytes) == descriptor.digest }) {
            throw ImageError.refused("\(title): \(descriptor.digest) has gone by")
        }
        return try await base.blob(descriptor, in: repository)
    }
    func referrers(of digest: Digest, in repository: String?) async throws -> [Descriptor] { [] }

    func drain(_ accept: (StreamedBlob) throws -> Digest) throws {
        for (number, member) in members.enumerated() {
            let compression = CompressionFormat.sniff(member.bytes)
            let blob = StreamedBlob(
                title: "\(title), entry \(number)", size: Int64(member.bytes.count), digest: member.digest,
                compression: compression, isPlainTar: compression == .none, content: BytesSource(member.bytes))
            _ = try accept(blob)
        }
        count.withLock { $0 += 1 }
    }
}

/// A docker-archive in memory: its raw layers are gzipped unless something else is asked for.
final class RawMemoryStream: MemoryStream, HoldsRawLayers, @unchecked Sendable {
    /// The diffIDs that layers have to have. Set before the first copy.
    var diffIDs: [Digest: Digest] = [:]

    func expectedDiffID(of layer: Digest) async throws -> Digest? { diffIDs[layer] }
}

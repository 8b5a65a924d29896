import ByteStreams
import Glibc
public import ImageModel
public import ImageTransfer
import Synchronization
import TarArchive

/// A docker-archive or OCI archive being written, to a file or to standard output.
///
/// Both are an OCI layout in a tar; a docker-archive has the docker part beside it, so that readers of
/// either kind find what they look for:
///
/// ```
/// blobs/  blobs/sha256/
/// oci-layout
/// index.json              names in both annotations
/// manifest.json           docker-archive only: Config and Layers point into blobs/sha256
/// repositories            likewise
/// blobs/sha256/<hex>      everything
/// ```
/// The metadata comes first where it is known beforehand, else last. A file gets its name at the end; a
/// stream that fails has no end mark.
public final class ArchiveDestination: ImageDestination {
    public enum Kind: Sendable {
        case docker
        case oci
    }

    public let path: String
    public let requestedName: String?
    private let kind: Kind
    private let state: Mutex<State>

    /// - Parameters:
    ///   - path: of the archive; `-` for standard output.
    ///   - name: what images are to be called in it.
    public init(_ kind: Kind, path: String, name: String? = nil) {
        self.kind = kind
        self.path = path
        requestedName = name
        state = Mutex(State(metadata: ArchiveMetadata(kind: kind, requestedName: name)))
    }

    public var title: String { path == "-" ? "standard output" : path }
    public var traits: DestinationTraits {
        var traits = DestinationTraits()
        traits.concurrentBlobs = 1
        traits.needsSizeFirst = path == "-"
        traits.keepsHosts = true
        traits.keepsRawLayers = kind == .docker
        return traits
    }

    private struct State {
        var metadata: ArchiveMetadata
        var output: ArchiveOutput?
        var blobs: Set<Digest> = []
        var isMetadataWritten = false
    }

    public func begin(_ images: [AnnouncedImage]?) async throws {
        try await Workers.blobs.run { [self] in
            try state.withLock { state in
                let output = try path == "-" ? ArchiveOutput() : ArchiveOutput(path: path)
                try output.directory("blobs")
                try output.directory("blobs/sha256")
                state.output = output
                guard let images else { return }
                for image in images { state.metadata.add(image) }
                try output.write(state.metadata.files())
                state.isMetadataWritten = true
            }
        }
    }

    public func has(_ blob: Descriptor, in repository: String) async throws -> Bool {
        state.withLock { $0.blobs.contains(blob.digest) }
    }
    public func has(manifest: Digest, in repository: String) async throws -> Bool {
        state.withLock { $0.blobs.contains(manifest) }
    }
    public func digest(of name: ImageName) async throws -> Digest? { nil }
    public func knownLayers(in repository: String, tags: [String]) async throws -> [Digest: [Descriptor]] { [:] }
    public func freeSpace() async throws -> Int64? {
        path == "-" ? nil : try ByteStreams.freeSpace(at: parent(of: path))
    }

    public func writer(for target: BlobTarget) throws -> any BlobWriter {
        try state.withLock { state in
            guard let output = state.output else { throw TransferError.refused("\(title) is not open") }
            return try ArchiveBlobWriter(output, target: target) { [weak self] digest in
                self?.state.withLock { _ = $0.blobs.insert(digest) }
            }
        }
    }

    public func put(_ manifest: Manifest, in repository: String) async throws {
        try await Workers.blobs.run { [self] in
            try state.withLock { state in
                state.metadata.add(manifest)
                guard state.blobs.insert(manifest.digest).inserted else { return }
                try state.output?.file(OCIPaths.blob(manifest.digest), manifest.bytes)
            }
        }
    }

    public func tag(_ descriptor: Descriptor, as name: ImageName) async throws {
        state.withLock { state in
            if !state.isMetadataWritten { state.metadata.name(descriptor, name) }
        }
    }

    public func finish() async throws {
        try await Workers.blobs.run { [self] in
            try state.withLock { state in
                guard let output = state.output else { return }
                if !state.isMetadataWritten { try output.write(state.metadata.files()) }
                try output.finish()
                state.output = nil
            }
        }
    }

    public func abandon() async {
        state.withLock { state in
            state.output?.cancel()
            state.output = nil
        }
    }
}

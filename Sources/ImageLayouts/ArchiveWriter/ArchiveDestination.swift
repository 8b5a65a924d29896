import ByteStreams
import Glibc
public import ImageModel
public import ImageTransfer
import Synchronization
import TarArchive

/// A docker-archive or OCI archive being written, to a file or to a stream: standard output, a pipe, a device.
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
/// stream that fails has no end mark. What is taken in before its role is known, and then not wanted, stays in the
/// archive without being listed.
public final class ArchiveDestination: ImageDestination {
    public enum Kind: Sendable {
        case docker
        case oci
    }

    public let path: String
    public let requestedName: String?
    private let kind: Kind
    private let isStream: Bool
    private let state: Mutex<State>

    /// - Parameters:
    ///   - path: of the archive; `-` for standard output.
    ///   - name: what images are to be called in it.
    public init(_ kind: Kind, path: String, name: String? = nil) {
        self.kind = kind
        self.path = path
        requestedName = name
        // What cannot be looked at cannot be opened either, and says so then.
        isStream = (try? ArchiveOutput.isStream(path)) ?? false
        state = Mutex(State(metadata: ArchiveMetadata(kind: kind, requestedName: name)))
    }

    public var title: String { path == "-" ? "standard output" : path }
    public var traits: DestinationTraits {
        var traits = DestinationTraits()
        traits.concurrentBlobs = 1
        traits.needsSizeFirst = isStream
        traits.keepsHosts = true
        traits.keepsRawLayers = kind == .docker
        traits.hasDockerPart = kind == .docker
        traits.isOneRepository = true
        return traits
    }

    private struct State {
        var metadata: ArchiveMetadata
        var output: ArchiveOutput?
        var blobs: Set<Digest> = []
        var isMetadataWritten = false
    }

    /// The archive, open: by the first that is to be in it.
    private func output(_ state: inout State) throws -> ArchiveOutput {
        if let output = state.output { return output }
        let output = try ArchiveOutput(path: path)
        state.output = output
        try output.directory("blobs")
        try output.directory("blobs/sha256")
        return output
    }

    public func begin(_ images: [AnnouncedImage]?) async throws {
        try await Workers.blobs.run { [self] in
            try state.withLock { state in
                // Blobs of a stream have gone before.
                guard state.output == nil else { return }
                let output = try output(&state)
                guard let images else { return }
                for image in images { state.metadata.add(image) }
                try output.write(state.metadata.files())
                state.isMetadataWritten = true
            }
        }
    }

    /// It is new: what is in it came by this copy.
    public func has(_ blob: Descriptor, in repository: String) async throws -> Bool { false }
    public func has(manifest: Digest, in repository: String) async throws -> Bool {
        state.withLock { $0.blobs.contains(manifest) }
    }
    public func digest(of name: ImageName) async throws -> Digest? { nil }
    public func isTaken() async throws -> Bool { try path != "-" && fileKind(path) != nil }
    public func freeSpace() async throws -> Int64? {
        isStream ? nil : try ByteStreams.freeSpace(at: parent(of: followingLinks(path)))
    }

    public var isIntact: Bool { state.withLock { $0.output?.isBroken != true } }

    public func writer(for target: BlobTarget) throws -> any BlobWriter {
        try state.withLock { state in
            guard !isStream || (target.digest != nil && target.size != nil) else {
                throw TransferError.refused(
                    "an archive that goes to \(title) needs each blob's digest and size before its bytes, and this source "
                        + "gives them afterwards: write to a file, or read from one")
            }
            return try ArchiveBlobWriter(output(&state), target: target) { [weak self] digest in
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

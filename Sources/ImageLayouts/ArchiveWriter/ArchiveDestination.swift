import ByteStreams
package import ImageModel
package import ImageTransfer
import Synchronization

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
/// dray/…                  of an OCI archive that is packed specially: see VolumePaths
/// ```
/// The metadata comes first where it is known beforehand, else last. A file gets its name at the end; a
/// stream that fails has no end mark. What is taken in before its role is known, and then not wanted, stays in the
/// archive without being listed.
package final class ArchiveDestination: ReplacesFile, OccupiesDisk {
    package enum Kind: Sendable {
        case docker
        case oci
    }

    package let path: String
    package let requestedName: String?
    private let kind: Kind
    private let packing: ArchivePacking?
    private let isStream: Bool
    private let state: Mutex<State>

    /// - Parameters:
    ///   - path: of the archive; `-` for standard output.
    ///   - name: what images are to be called in it.
    ///   - packing: of an OCI archive.
    package init(_ kind: Kind, path: String, name: String? = nil, packing: ArchivePacking? = nil) {
        self.kind = kind
        self.path = path
        self.packing = packing
        requestedName = name
        // What cannot be looked at cannot be opened either, and says so then.
        isStream = (try? ArchiveOutput.isStream(path)) ?? false
        state = Mutex(State(metadata: ArchiveMetadata(kind: kind, requestedName: name)))
    }

    package var title: String { path == "-" ? "standard output" : path }
    package var traits: DestinationTraits {
        var traits = DestinationTraits()
        traits.blobs = isStream ? .sizeFirst : .oneAtATime
        traits.keepsHosts = true
        traits.keepsRawLayers = kind == .docker
        traits.hasDockerPart = kind == .docker
        traits.keepsLooseBlobs = false
        traits.isOneRepository = true
        return traits
    }

    private struct State {
        var metadata: ArchiveMetadata
        var volumes: ArchiveVolumes?
        var blobs: Set<Digest> = []
        /// In the order in which they were put, for the packing list.
        var manifests: [Manifest] = []
        var isMetadataWritten = false
        var isBegun = false
        var mayReplace = true
        var advice: [String] = []
        var files: [String] = []
    }

    private var names: VolumeNames { VolumeNames(of: path) }
    private var isSet: Bool { packing?.volumeSize != nil }

    /// The archive, open: by the first that is to be in it.
    private func volumes(_ state: inout State) throws -> ArchiveVolumes {
        if let volumes = state.volumes { return volumes }
        guard !isSet else {
            throw ImageError.refused(
                "volumes are planned before they are written, and a stream tells what is in it at its end: put the "
                    + "archive into a file first")
        }
        let volumes = try ArchiveVolumes { [path] _ in path }
        state.volumes = volumes
        return volumes
    }

    package func begin(_ images: AnnouncedImages, areCertain: Bool) async throws {
        try await Workers.blobs.run { [self] in
            try state.withLock { state in
                state.isBegun = true
                try images.forEach { state.metadata.announce($0) }
                // Blobs of a stream have gone before.
                guard state.volumes == nil else { return }
                if let packing, let size = packing.volumeSize {
                    guard !isStream else {
                        throw ImageError.refused(
                            "volumes are files, and \(title) is none: name one, as oci-archive:x.tar")
                    }
                    // Whether it can be done is known now.
                    if packing.recoveryVolumes > 0 { _ = try ErasureCode(data: 1, parity: packing.recoveryVolumes) }
                    let forecast = try forecast(images)
                    let budget = try VolumeBudget(forecast, packing, size: size)
                    state.volumes = try ArchiveVolumes(end: budget.end, path: names.volume)
                    return
                }
                let forecast = try forecast(images)
                let volumes = try volumes(&state)
                guard areCertain else { return }
                state.metadata = forecast.metadata
                try volumes.output.write(forecast.files)
                state.isMetadataWritten = true
            }
        }
    }

    /// - Throws: `ImageError.refused` if more is going to be written than is read.
    private func forecast(_ images: AnnouncedImages) throws -> ArchiveForecast {
        let metadata = ArchiveMetadata(kind: kind, requestedName: requestedName)
        return try ArchiveForecast(images, metadata, title: title)
    }

    /// It is new: what is in it came by this copy. Of a delta, what the far side has is as good as there; but for
    /// configs, which are small, and tell what the image is.
    package func has(_ blob: Descriptor, in repository: String) async throws -> Bool {
        guard let have = packing?.have, !blob.mediaType.isImageConfig else { return false }
        return have.contains { $0.has(blob) }
    }
    package func has(manifest: Digest, in repository: String) async throws -> Bool {
        state.withLock { $0.blobs.contains(manifest) }
    }
    package func digest(of name: ImageName) async throws -> Digest? { nil }
    /// Pipes, devices and standard output are not replaced.
    package func existingFile(mayReplace: Bool) async throws -> String? {
        state.withLock { $0.mayReplace = mayReplace }
        if isSet { return try names.files().first }
        return try path != "-" && fileKind(path) == .file ? path : nil
    }
    package func freeSpace() async throws -> Int64? {
        isStream ? nil : try ByteStreams.freeSpace(at: parent(of: followingLinks(path)))
    }

    package func writeObstacle() async throws -> String? {
        isStream ? nil : WriteObstacle.find(at: [parent(of: try followingLinks(path))])
    }

    package var isIntact: Bool { state.withLock { $0.volumes?.isBroken != true } }

    package func writer(for target: BlobTarget) throws -> any BlobWriter {
        try state.withLock { state in
            guard !isStream || (target.digest != nil && target.size != nil) else {
                throw ImageError.refused(
                    "an archive that goes to \(title) needs each blob's digest and size before its bytes, and this source "
                        + "gives them afterwards: write to a file, or read from one")
            }
            // What was asked after before it was read is wanted.
            let isKnown = target.digest != nil && state.isBegun
            return try ArchiveBlobWriter(volumes(&state), target: target) { [weak self] blob in
                self?.take(blob, isKnown: isKnown) ?? false
            }
        }
    }

    /// Whether a blob that was written stays; what the far side has does not, where it can be taken back.
    private func take(_ blob: BlobRecord, isKnown: Bool) -> Bool {
        if !isKnown, !isStream,
            packing?.have.contains(where: { $0.has(Descriptor(untyped: blob.digest, size: blob.size)) }) == true
        {
            return false
        }
        state.withLock { _ = $0.blobs.insert(blob.digest) }
        return true
    }

    package func put(_ manifest: Manifest, in repository: String) async throws {
        try await Workers.blobs.run { [self] in
            try state.withLock { state in
                if !state.isMetadataWritten { state.metadata.add(manifest) }
                guard state.blobs.insert(manifest.digest).inserted else { return }
                if packing != nil { state.manifests.append(manifest) }
                // In a set they are in every volume, at its end.
                if !isSet { try state.volumes?.output.file(OCIPaths.blob(manifest.digest), manifest.bytes) }
            }
        }
    }

    package func tag(_ descriptor: Descriptor, as name: ImageName) async throws {
        state.withLock { state in
            if !state.isMetadataWritten { state.metadata.name(descriptor, name) }
        }
    }

    package func finish() async throws {
        try await Workers.blobs.run { [self] in
            try state.withLock { state in
                guard let volumes = state.volumes else { return }
                let documents = try state.isMetadataWritten && packing == nil ? [] : state.metadata.files()
                let list = try packing.map { packing in
                    try packing.list(
                        documents: documents, manifests: state.manifests, volumes: volumes.contents,
                        packed: state.blobs)
                }
                for number in 1...volumes.count {
                    let output = volumes.output(number - 1)
                    if isSet {
                        for manifest in state.manifests {
                            try output.file(OCIPaths.blob(manifest.digest), manifest.bytes)
                        }
                    }
                    if !state.isMetadataWritten { try output.write(documents) }
                    if let list { try output.write(packing?.files(list, volume: number) ?? []) }
                }
                try volumes.close()
                let recovery = try list.map { try writeRecovery($0, volumes) } ?? []
                defer { for output in recovery { output.cancel() } }
                try volumes.commit(mayReplace: state.mayReplace)
                for output in recovery { try output.commit(mayReplace: state.mayReplace) }
                state.files =
                    isSet
                    ? (1...volumes.count).map(names.volume) + recovery.indices.map { names.recovery($0 + 1) } : [path]
                if isSet, let list {
                    state.advice =
                        try (state.mayReplace ? names.removeOthers(than: list.content) : [])
                        + volumes.advice(names, recoveryVolumes: list.content.recoveryVolumes)
                }
                state.volumes = nil
            }
        }
    }

    private func writeRecovery(_ list: WrittenPackingList, _ volumes: ArchiveVolumes) throws -> [ArchiveOutput] {
        guard let packing, list.content.recoveryVolumes > 0 else { return [] }
        return try RecoveryWriter(count: list.content.recoveryVolumes, path: names.recovery).write(
            volumes, set: list.digest
        ) { try packing.files(list, volume: $0) }
    }

    /// The files that were written, once they are.
    package var files: [String] { state.withLock { $0.files } }

    package func advice() async -> [String] { state.withLock { $0.advice } }

    package func abandon() async {
        state.withLock { state in
            state.volumes?.cancel()
            state.volumes = nil
        }
    }
}

import ByteStreams
import ImageModel

/// One round of mending.
struct Workshop: Sendable {
    let place: any VerifiedPlace
    let destination: any MendablePlace
    let sources: [RepairSource]
    let progress: Progress

    private static let depthLimit = 16

    /// - Returns: how many remedies were applied, and why others could not be.
    func mend(_ findings: [Finding]) async throws -> (done: Int, failures: [String]) {
        var seen: Set<Remedy> = []
        var done = 0
        var failures: [String] = []
        // Blobs before manifests before names, as in any copy.
        let ordered = findings.compactMap { finding in finding.remedy.map { (finding, $0) } }.sorted {
            $0.1.order < $1.1.order
        }
        for (finding, remedy) in ordered where seen.insert(remedy).inserted {
            try Task.checkCancellation()
            do {
                try await apply(remedy)
                done += 1
            } catch let error as CancellationError {
                throw error
            } catch {
                failures.append("\(finding.subject): \(error)")
            }
        }
        try await destination.finish()
        return (done, failures)
    }

    private func apply(_ remedy: Remedy) async throws {
        switch remedy {
        case .blob(let blob, let repository): try await fetch(blob, into: repository ?? "", replaces: true)
        case .manifest(let manifest, let repository): try await put(manifest, in: repository ?? "", depth: 0)
        case .tag(let name): try await tag(name)
        case .file(let path, let implied, let target):
            guard let bytes = try await content(of: path, implied: implied) else {
                throw TransferError.notFound(
                    "no source has \(path): --repair-from a copy of this place, if there is one")
            }
            try await destination.put(bytes, at: path, leadingTo: target)
        }
    }

    /// What a source has under that name is better than what can be made up, were it only for its spelling.
    private func content(of path: String, implied: [UInt8]?) async throws -> [UInt8]? {
        for source in sources {
            if let bytes = try? await source.place.listFile(path) { return bytes }
            // Where there is room for one image, its manifest is the list.
            if !destination.traits.holdsManyImages, implied == nil,
                let image = try? await source.place.image(named: source.name, digest: source.digest),
                let manifest = try? await source.place.storedManifest(image.descriptor, in: image.repository)
            {
                return manifest.bytes
            }
        }
        return implied
    }

    /// What the first source that has it has.
    private func first<T>(
        of digest: Digest, for repository: String, _ body: (RepairSource, String?) async throws -> T
    ) async throws -> T {
        var causes: [String] = []
        for source in sources {
            for candidate in source.repositories(for: repository) {
                do {
                    return try await body(source, candidate)
                } catch let error as CancellationError {
                    throw error
                } catch {
                    let cause = "\(error)"
                    if !causes.contains(cause) { causes.append(cause) }
                }
            }
        }
        throw TransferError.notFound("no source has a sound \(digest) (\(causes.joined(separator: "; ")))")
    }

    // MARK: Blobs

    private func fetch(_ blob: Descriptor, into repository: String, replaces: Bool) async throws {
        try await first(of: blob.digest, for: repository) { source, candidate in
            let bytes = Handover(try await source.place.storedBlob(blob, in: candidate))
            let title = "\(source.place.title): \(blob.digest)"
            try await Workers.blobs.run(stoppable: { stop in
                let size = blob.size < 0 ? nil : blob.size
                let verified = VerifyingSource(
                    MeteredSource(bytes.value, progress: progress, stop: stop), digest: blob.digest, size: size,
                    name: title)
                let peeking = PeekingSource(verified)
                // Most that is not there is noticed by the first read: nothing needs to be begun for that.
                _ = try peeking.peek(1)
                let writer = try destination.writer(
                    for: BlobTarget(
                        digest: blob.digest, size: size, repository: repository, source: blob.digest,
                        replaces: replaces))
                do {
                    try peeking.pump(into: writer)
                    try writer.flush()
                    try writer.commit(blob.digest)
                } catch {
                    writer.cancel()
                    throw error
                }
            })
        }
    }

    // MARK: Manifests

    /// The place's own bytes if they are right, and a source's otherwise; and everything below.
    private func put(_ descriptor: Descriptor, in repository: String, depth: Int) async throws {
        guard depth < Self.depthLimit else {
            throw TransferError.damaged("\(descriptor.digest) nests indexes more than \(Self.depthLimit) deep")
        }
        let own = try? await place.storedManifest(descriptor, in: repository)
        let manifest: Manifest
        if let own {
            manifest = own
        } else {
            manifest = try await first(of: descriptor.digest, for: repository) { source, candidate in
                try await source.place.storedManifest(descriptor, in: candidate)
            }
        }
        for child in manifest.children where try await !destination.has(manifest: child.digest, in: repository) {
            // An index may be put without a part that nobody has: that is told by the next look.
            try? await put(child, in: repository, depth: depth + 1)
        }
        for blob in manifest.blobs where !blob.staysAway {
            if try await destination.has(blob, in: repository) { continue }
            try await fetch(blob, into: repository, replaces: false)
        }
        try await destination.put(manifest, in: repository)
    }

    // MARK: Names

    private func tag(_ name: ImageName) async throws {
        var causes: [String] = []
        for source in sources {
            do {
                let image = try await source.place.image(named: name.path, digest: nil)
                if try await !destination.has(manifest: image.descriptor.digest, in: name.repository) {
                    try await put(image.descriptor, in: name.repository, depth: 0)
                }
                return try await destination.tag(image.descriptor, as: name)
            } catch let error as CancellationError {
                throw error
            } catch {
                causes.append("\(error)")
            }
        }
        throw TransferError.notFound("no source tells what \(name) means (\(causes.joined(separator: "; ")))")
    }
}

extension Remedy {
    fileprivate var order: Int {
        switch self {
        // Without its lists a place takes nothing else.
        case .file(_, _, target: nil): 0
        case .blob: 1
        case .manifest: 2
        case .file, .tag: 3
        }
    }
}

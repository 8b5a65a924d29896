import ByteStreams
import Glibc
import ImageModel
import ImageTransfer

/// One round of mending.
struct RepairRound: Sendable {
    let place: any VerifiedPlace
    let destination: any MendablePlace
    let sources: [RepairSource]
    let progress: Progress

    private static let depthLimit = 16

    /// What came of a round.
    struct Outcome {
        /// Remedies that were applied.
        var done = 0
        /// Why others could not be: one line each.
        var failures: [String] = []
        /// Whether the place takes nothing more, so that another round would be for nothing.
        var isOver = false
    }

    func mend(_ findings: [Finding]) async throws -> Outcome {
        var seen: Set<Remedy> = []
        var outcome = Outcome()
        // Blobs before manifests before names, as in any copy.
        let ordered = findings.compactMap { finding in finding.remedy.map { (finding, $0) } }.sorted {
            $0.1.order < $1.1.order
        }
        for (finding, remedy) in ordered where seen.insert(remedy).inserted {
            try Task.checkCancellation()
            do {
                try await apply(remedy)
                outcome.done += 1
            } catch let error as CancellationError {
                throw error
            } catch  where WriteRefused.isLasting(error) {
                outcome.isOver = true
                outcome.failures.append(
                    "\(destination.title) takes no more: \(error); see to that, and run it again to mend the rest")
                break
            } catch {
                outcome.failures.append("\(finding.subject): \(error)")
            }
        }
        try await destination.finish()
        return outcome
    }

    private func apply(_ remedy: Remedy) async throws {
        switch remedy {
        case .blob(let blob, let repository): try await fetch(blob, into: repository ?? "", replaces: true)
        case .manifest(let manifest, let repository): try await put(manifest, in: repository ?? "", depth: 0)
        case .tag(let name, let meant): try await tag(name, meant)
        case .file(let path, let implied, let target):
            try await destination.put(content(of: path, implied: implied), at: path, leadingTo: target)
        }
    }

    /// What a source has under that name is better than what can be made up, were it only for its spelling. A list has
    /// to be a copy of this place's, which it is not if it has nothing in common with what lies here.
    private func content(of path: String, implied: [UInt8]?) async throws -> [UInt8] {
        var strangers: [String] = []
        for source in sources {
            guard let bytes = await list(path, of: source, isImplied: implied != nil) else { continue }
            if implied != nil { return bytes }
            let isOurs = try await destination.owns(bytes, at: path) { entry in
                try? await source.place.storedManifest(entry, in: nil)
            }
            if isOurs { return bytes }
            strangers.append(source.place.title)
        }
        if let implied { return implied }
        throw ImageError.notFound(
            "no source has \(path) of this place: --repair-from a copy of it, if there is one"
                + (strangers.isEmpty
                    ? "" : " (what \(strangers.joined(separator: " and ")) lists has nothing in common with it)"))
    }

    private func list(_ path: String, of source: RepairSource, isImplied: Bool) async -> [UInt8]? {
        if let bytes = try? await source.place.listFile(path) { return bytes }
        // Where there is room for one image, its manifest is the list.
        guard !destination.traits.holdsManyImages, !isImplied,
            let image = try? await source.place.image(named: source.name, digest: source.digest)
        else { return nil }
        return try? await source.place.storedManifest(image.descriptor, in: image.repository).bytes
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
                } catch let error where error is CancellationError || error is WriteRefused {
                    // Another source helps against nothing that is wrong here.
                    throw error
                } catch {
                    let cause = "\(error)"
                    if !causes.contains(cause) { causes.append(cause) }
                }
            }
        }
        throw ImageError.notFound("no source has a sound \(digest) (\(causes.joined(separator: "; ")))")
    }

    // MARK: Blobs

    private func fetch(_ blob: Descriptor, into repository: String, replaces: Bool) async throws {
        // Each for itself: what does not fit keeps nothing else from being mended, and what is replaced gives room.
        if let free = try await (destination as? any OccupiesDisk)?.freeSpace(), blob.size > free {
            throw ImageError.noRoom(in: destination.title, free: free, needed: blob.size)
        }
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
                let target = BlobTarget(
                    digest: blob.digest, size: size, repository: repository, source: blob.digest, replaces: replaces)
                let writer = try WriteRefused.marking { try destination.writer(for: target) }
                do {
                    try peeking.forEachPiece { piece in try WriteRefused.marking { try writer.write(piece) } }
                    try WriteRefused.marking {
                        try writer.flush()
                        try writer.commit(blob.digest)
                    }
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
            throw ImageError.damaged("\(descriptor.digest) nests indexes more than \(Self.depthLimit) deep")
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

    /// - Parameter meant: what is left of the tag tells; nil where a source has to.
    private func tag(_ name: ImageName, _ meant: Digest?) async throws {
        if let meant {
            let descriptor = Descriptor(untyped: meant)
            return try await mend(name, to: descriptor)
        }
        var causes: [String] = []
        for source in sources {
            let image: SourceImage
            do {
                image = try await source.place.image(named: name.path, digest: nil)
            } catch let error as CancellationError {
                throw error
            } catch {
                causes.append("\(error)")
                continue
            }
            return try await mend(name, to: image.descriptor)
        }
        throw ImageError.notFound("no source tells what \(name) means (\(causes.joined(separator: "; ")))")
    }

    private func mend(_ name: ImageName, to descriptor: Descriptor) async throws {
        if try await !destination.has(manifest: descriptor.digest, in: name.repository) {
            try await put(descriptor, in: name.repository, depth: 0)
        }
        try await destination.mend(name, to: descriptor)
    }
}

/// Why the mended place did not take something.
private struct WriteRefused: Error, CustomStringConvertible {
    let cause: any Error

    var description: String { "\(cause)" }

    /// Whether it will take nothing else either.
    static func isLasting(_ error: any Error) -> Bool {
        let cause = (error as? WriteRefused)?.cause ?? error
        return [ENOSPC, EDQUOT, EROFS].contains((cause as? ImageError)?.errno)
    }

    static func marking<T>(_ body: () throws -> T) throws -> T {
        do { return try body() } catch { throw error is CancellationError ? error : WriteRefused(cause: error) }
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

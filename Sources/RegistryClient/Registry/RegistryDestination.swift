import ByteStreams
package import ImageModel
package import ImageTransfer
import NIOHTTP1
import Synchronization

/// A registry, pushed to over its API.
package final class RegistryDestination: MountsBlobs, NamesWhilePutting, HoldsWholeImages, ReusesLayers,
    ChoosesManifestFormat
{
    /// As the user names it.
    private let host: String
    private let route: RegistryRoute
    package let requestedName: String?

    private struct State {
        /// Repositories of this registry that have a blob or manifest.
        var places: [Digest: Set<String>] = [:]
        /// Manifests of this run, for giving them names.
        var manifests: [Digest: Manifest] = [:]
        /// Sessions that refused mounts have opened.
        var sessions: [UploadQueue.Key: HTTPAnswer] = [:]
    }

    private let state = Mutex(State())

    init(host: String, route: RegistryRoute, name: String?) {
        self.host = host
        self.route = route
        requestedName = name
    }

    private var registry: Registry { route.registry }
    private func own(_ repository: String) -> String { route.repository(repository, at: host) }

    package var title: String { host }
    package var traits: DestinationTraits {
        var traits = DestinationTraits()
        traits.bareNameIsTag = false
        traits.ordersImages = false
        traits.holdsSchema1 = true
        traits.commitsBlobsAtOnce = true
        return traits
    }

    package func begin(_ images: AnnouncedImages, areCertain: Bool) async throws {}
    package func finish() async throws {}
    package func abandon() async {}

    package func has(_ blob: Descriptor, in repository: String) async throws -> Bool {
        let repository = own(repository)
        return try await Workers.blobs.run { [self] in
            if state.withLock({ $0.places[blob.digest]?.contains(repository) }) == true { return true }
            guard try registry.hasBlob(blob.digest, size: blob.size, in: repository) else { return false }
            note(blob.digest, in: repository)
            return true
        }
    }

    package func has(manifest: Digest, in repository: String) async throws -> Bool {
        let repository = own(repository)
        return try await Workers.blobs.run { [self] in
            guard try registry.resolve(manifest.description, in: repository) != nil else { return false }
            note(manifest, in: repository)
            return true
        }
    }

    package func digest(of name: ImageName) async throws -> Digest? {
        try await Workers.blobs.run { [self] in
            try registry.resolve(name.tag ?? "latest", in: own(name.repository))?.digest
        }
    }

    /// Nothing: the registry would have to be asked.
    package var isRemote: Bool { true }
    package func known(_ digest: Digest, in repository: String) async throws -> KnownImage { KnownImage() }

    package func referrers(of digest: Digest, in repository: String) async throws -> [Descriptor] {
        try await Workers.blobs.run { [self] in try registry.referrers(of: digest, in: own(repository)) }
    }

    package var layerMemory: LayerMemory? { .ofUser }

    /// Those that are going to be replaced: a registry may hold thousands of others.
    package func present(in repository: String, tags: [String]) async throws -> PresentImages? {
        let repository = own(repository)
        let source = registry.source(repository: repository)
        var images: [SourceImage] = []
        for tag in Set(tags + ["latest"]).sorted() {
            // What is damaged or missing there is nothing to build upon.
            if let image = try? await Workers.blobs.run({ try source.image(tag, in: repository) }) {
                images.append(image)
            }
        }
        return PresentImages(source: source, images: images)
    }

    // MARK: Blobs

    /// Mounts the blob from a repository of the same registry.
    package func mount(
        _ blob: Descriptor, from source: (any ImageSource)?, in origin: String?, into repository: String
    ) async throws -> Bool {
        let repository = own(repository)
        var origins = state.withLock { $0.places[blob.digest] ?? [] }.subtracting([repository]).sorted()
        if let source = source as? RegistrySource, source.host == host, let origin, own(origin) != repository {
            origins.insert(own(origin), at: 0)
        }
        guard let origin = origins.first else { return false }
        return try await Workers.blobs.run { [self] in
            let answer: HTTPAnswer
            do {
                answer = try registry.session.send(
                    RegistryRequest(
                        method: .POST,
                        path: "\(repository)/blobs/uploads/?mount=\(PercentEncoding.encode(blob.digest.description))"
                            + "&from=\(PercentEncoding.encode(origin))",
                        repository: repository, scope: .mount(repository, from: origin),
                        action: "mount the blob \(blob.digest) from \(origin)", headers: ["content-length": "0"]))
            } catch let error as ImageError where error.request != nil {
                // Not allowed, or not known: then it is uploaded like any other.
                return false
            }
            // Some say so of what they have not mounted; who names the blob has looked.
            if answer.status == 201,
                try answer.headers.contentDigest == blob.digest
                    || registry.hasBlob(blob.digest, size: blob.size, in: repository)
            {
                note(blob.digest, in: repository)
                return true
            }
            let target = BlobTarget(digest: blob.digest, size: nil, repository: repository)
            if answer.status == 202, answer.location != nil, let key = UploadQueue.Key(target) {
                state.withLock { $0.sessions[key] = answer }
            }
            return false
        }
    }

    /// Waits while the same blob is on its way into the same repository.
    package func writer(for target: BlobTarget) throws -> any BlobWriter {
        var target = target
        if target.repository.isEmpty, let name = requestedName.flatMap({ ImageName(withoutHost: $0) }) {
            target.repository = name.repository
        }
        target.repository = own(target.repository)
        let key = UploadQueue.Key(target)
        let (record, hasWaited) = registry.queue.enter(key, registry.options)
        let upload = BlobUpload(target, to: registry, record: record) { [self, repository = target.repository] in
            note($0, in: repository)
        }
        if hasWaited { try upload.lookFor() }
        if let key, target.digest != nil, let session = state.withLock({ $0.sessions.removeValue(forKey: key) }) {
            try upload.session.follow(session)
        }
        return upload
    }

    private func note(_ digest: Digest, in repository: String) {
        state.withLock { _ = $0.places[digest, default: []].insert(repository) }
    }

    // MARK: Manifests

    package func put(_ manifest: Manifest, in repository: String) async throws {
        try await put(manifest, as: manifest.digest.description, in: repository)
    }

    /// In one request.
    package func putNamed(_ manifest: Manifest, as name: ImageName) async throws -> Bool? {
        // Under a tag, a manifest goes by SHA-256; and a fallback tag's index keeps what others have put there.
        guard let tag = name.tag, manifest.digest.algorithm == .sha256, ImageName.referredDigest(byTag: tag) == nil
        else {
            return nil
        }
        if try await digest(of: name) == manifest.digest { return false }
        try await put(manifest, as: tag, in: name.repository)
        return true
    }

    private func put(_ manifest: Manifest, as reference: String, in repository: String) async throws {
        let repository = own(repository)
        try await Workers.blobs.run { [self] in
            state.withLock { $0.manifests[manifest.digest] = manifest }
            let keepsSubject = try putPatiently(manifest, as: reference, in: repository) == true
            for blob in manifest.blobs { note(blob.digest, in: repository) }
            note(manifest.digest, in: repository)
            if let subject = manifest.subject, !keepsSubject, registry.options.fallbackTags == .maintained {
                try registry.noteReferrer(manifest.referrerDescriptor, of: subject.digest, in: repository)
            }
        }
    }

    /// Puts a manifest, and retries while the registry does not know content that has just arrived.
    private func putPatiently(_ manifest: Manifest, as reference: String, in repository: String) throws -> Bool? {
        var patience = Patience(registry.options, atMost: Self.mostWaits)
        while true {
            do {
                return try registry.put(manifest, as: reference, in: repository)
            } catch let error as ImageError where error.request?.isMissingContent == true {
                guard hasArrived(manifest, in: repository),
                    patience.wait(after: "\(registry.host): \(error.request?.problem ?? "")")
                else { throw error }
            }
        }
    }

    /// Waits of half a second and up, each twice as long as the one before.
    private static let mostWaits = 4

    /// Whether all that a manifest refers to is known to be there.
    private func hasArrived(_ manifest: Manifest, in repository: String) -> Bool {
        state.withLock { state in
            func isThere(_ digest: Digest) -> Bool { state.places[digest]?.contains(repository) == true }
            return manifest.blobs.allSatisfy { $0.staysAway || isThere($0.digest) }
                && manifest.children.allSatisfy { isThere($0.digest) }
        }
    }

    package func refuses(_ format: ManifestFormat) -> Bool { registry.refuses(format) }

    package func tag(_ descriptor: Descriptor, as name: ImageName) async throws {
        guard let tag = name.tag else { return }
        let repository = own(name.repository)
        let present = try await Workers.blobs.run { [self] in try registry.resolve(tag, in: repository)?.digest }
        if present != descriptor.digest { try await push(descriptor, as: name) }
    }

    /// Gives a manifest that is there its name, whatever that means now.
    func push(_ descriptor: Descriptor, as name: ImageName) async throws {
        guard let tag = name.tag else { return }
        let repository = own(name.repository)
        try await Workers.blobs.run { [self] in
            let known = state.withLock { $0.manifests[descriptor.digest] }
            guard let manifest = try known ?? registry.manifest(descriptor.digest.description, in: repository) else {
                throw ImageError.notFound(
                    "\(registry.host)/\(repository) has lost the manifest \(descriptor.digest)")
            }
            // A fallback tag's index keeps what others have put there.
            if registry.options.fallbackTags != .exact, ImageName.referredDigest(byTag: tag) == tag,
                case .index(let index) = manifest.content
            {
                try registry.merge(index.manifests, as: tag, in: repository, whole: manifest)
            } else {
                try registry.put(manifest, as: tag, in: repository)
            }
        }
    }
}

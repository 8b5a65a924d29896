public import ByteStreams
public import ImageModel
public import ImageTransfer

/// The images of a registry, of one repository, or one image of that.
public struct RegistrySource: ImageEditor {
    /// As the user names it.
    let host: String
    private let main: RegistryRoute
    private let mirrors: [RegistryRoute]
    /// nil: all that the registry tells of.
    private let repository: String?

    init(host: String, main: RegistryRoute, mirrors: [RegistryRoute], repository: String? = nil) {
        self.host = host
        self.main = main
        self.mirrors = mirrors
        self.repository = repository
    }

    private var registry: Registry { main.registry }

    public var title: String { host + (repository.map { "/\($0)" } ?? "") }
    public var madeUpRepository: String { repository ?? host }

    /// Asks mirrors first, and the registry itself for what they have not got.
    private func read<T>(
        _ repository: String, byDigest: Bool, _ body: (_ registry: Registry, _ repository: String) throws -> T?
    ) throws -> T? {
        for mirror in mirrors where byDigest ? !mirror.onlyTags : !mirror.onlyDigests {
            do {
                if let found = try body(mirror.registry, mirror.repository(repository, at: host)) { return found }
            } catch {
                registry.options.remark("the mirror \(mirror.registry.host) is passed over: \(error)")
            }
        }
        return try body(registry, main.repository(repository, at: host))
    }

    private func own(_ repository: String?) -> String {
        main.repository(repository ?? self.repository ?? "", at: host)
    }

    public func images() async throws -> [SourceImage] {
        try await Workers.blobs.run { [self] in
            try (repository.map { [$0] } ?? registry.repositories()).flatMap { repository in
                try registry.tags(in: own(repository)).compactMap { try image($0, in: repository) }
            }
        }
    }

    /// Asks for what is named and for nothing else.
    public func images(named name: String?, digest: Digest?) async throws -> [SourceImage] {
        guard let (repository, tag) = try part(name) else {
            guard digest == nil else { throw TransferError.refused("\(title): a digest needs its repository's name") }
            return try await images()
        }
        return try await Workers.blobs.run { [self] in
            if let digest {
                guard
                    let descriptor = try read(
                        repository, byDigest: true, { try $0.resolve(digest.description, in: $1) })
                else {
                    throw TransferError.notFound("\(host)/\(repository) has no \(digest)")
                }
                return [SourceImage(name: full(repository, tag), descriptor: descriptor, repository: repository)]
            }
            guard let tag else {
                return try registry.tags(in: own(repository)).compactMap { try image($0, in: repository) }
            }
            guard let image = try image(tag, in: repository) else {
                let tags = try? registry.tags(in: own(repository))
                let hint = tags.map { $0.isEmpty ? "" : "; it has \($0.prefix(8).joined(separator: ", "))" } ?? ""
                throw TransferError.notFound("\(host)/\(repository) has no tag '\(tag)'\(hint)")
            }
            return [image]
        }
    }

    public func image(named name: String?, digest: Digest?) async throws -> SourceImage {
        if digest == nil, let (repository, tag) = try part(name), tag == nil {
            let latest = try await Workers.blobs.run { [self] in try image("latest", in: repository) }
            if let latest { return latest }
        }
        return try Self.only(try await images(named: name, digest: digest), of: title)
    }

    public func images(in repository: String?, tagged isWanted: @Sendable @escaping (String) -> Bool) async throws
        -> [SourceImage]
    {
        guard let repository = repository ?? self.repository else { return [] }
        return try await Workers.blobs.run { [self] in
            // A registry that does not list its tags is no reason not to copy the image.
            let tags = (try? registry.tags(in: own(repository))) ?? []
            return try tags.filter(isWanted).compactMap { try image($0, in: repository) }
        }
    }

    private func part(_ name: String?) throws -> (repository: String, tag: String?)? {
        guard let name else { return repository.map { ($0, nil) } }
        guard let parsed = ImageName("host.invalid/\(name)") else {
            throw ReferenceError(
                "'\(name)' is no REPOSITORY[:TAG]: lower case, digits, and single '.', '_', '-' and '/'")
        }
        return (parsed.repository, parsed.tag)
    }

    private func image(_ tag: String, in repository: String) throws -> SourceImage? {
        guard let descriptor = try read(repository, byDigest: false, { try $0.resolve(tag, in: $1) }) else {
            return nil
        }
        return SourceImage(name: full(repository, tag), descriptor: descriptor, repository: repository)
    }

    private func full(_ repository: String, _ tag: String?) -> SourceImage.Name {
        .full(ImageName(host: host, repository: repository, tag: tag))
    }

    public func manifest(_ descriptor: Descriptor, in repository: String?) async throws -> Manifest {
        try await Workers.blobs.run { [self] in
            let repository = repository ?? self.repository ?? ""
            guard
                let manifest = try read(
                    repository, byDigest: true, { try $0.manifest(descriptor.digest.description, in: $1) })
            else {
                throw TransferError.notFound("\(host)/\(repository) has no manifest \(descriptor.digest)")
            }
            guard descriptor.size < 0 || descriptor.size == manifest.size else {
                throw TransferError.damaged(
                    "\(host)/\(repository): the manifest \(descriptor.digest) has \(manifest.size) bytes, its "
                        + "descriptor says \(descriptor.size)")
            }
            return manifest
        }
    }

    public func blob(_ descriptor: Descriptor, in repository: String?) async throws -> any ByteSource {
        let repository = repository ?? self.repository ?? ""
        guard !mirrors.isEmpty else { return BlobDownload(descriptor, in: own(repository), of: registry) }
        return try await Workers.blobs.run { [self] () -> Handover<BlobDownload> in
            let place: (registry: Registry, repository: String)? = try read(repository, byDigest: true) {
                registry, name in
                let isThere = try registry.hasBlob(descriptor.digest, size: descriptor.size, in: name)
                return isThere ? (registry, name) : nil
            }
            return Handover(
                BlobDownload(descriptor, in: place?.repository ?? own(repository), of: place?.registry ?? registry))
        }.value
    }

    public func referrers(of digest: Digest, in repository: String?) async throws -> [Descriptor] {
        try await Workers.blobs.run { [self] in
            try registry.referrers(of: digest, in: own(repository))
        }
    }

    // MARK: Changing names

    public func tag(_ image: SourceImage, as tag: String) async throws {
        let manifest = try await manifest(image.descriptor, in: image.repository)
        try await Workers.blobs.run { [self] in
            _ = try registry.put(manifest, as: tag, in: own(image.repository))
        }
    }

    public func untag(_ image: SourceImage) async throws {
        guard let tag = image.tag, let repository = image.repository else {
            throw TransferError.notFound("\(title) has no tag for \(image.title)")
        }
        try await Workers.blobs.run { [self] in
            let repository = own(repository)
            if try registry.delete(tag, in: repository, isTag: true) { return }
            let digest = image.descriptor.digest
            let others = try registry.tags(in: repository).filter { other in
                try other != tag && registry.resolve(other, in: repository)?.digest == digest
            }
            guard others.isEmpty || registry.options.deletesAllTags else {
                throw TransferError.refused(
                    "\(registry.host) deletes by digest only, and with \(repository):\(tag) would go "
                        + "\(others.joined(separator: ", ")), which is the same manifest: --all-tags deletes them all")
            }
            try remove(digest, repository)
        }
    }

    public func delete(_ image: SourceImage) async throws {
        try await Workers.blobs.run { [self] in
            try remove(image.descriptor.digest, own(image.repository))
        }
    }

    private func remove(_ digest: Digest, _ repository: String) throws {
        _ = try registry.delete(digest.description, in: repository, isTag: false)
    }
}

import ByteStreams
import ImageModel
import ImageTransfer

/// Archives, layouts and stores, served from where they lie: nothing is unpacked or copied.
///
/// What there is is found out once, at the start.
struct SourceContent: RegistryContent {
    private struct Place: Sendable {
        var source: any ImageSource
        var descriptor: Descriptor
        /// The source's own name of the repository.
        var repository: String?
    }

    private struct Repository: Sendable {
        var tags: [String: Digest] = [:]
        var manifests: [Digest: Place] = [:]
        var blobs: [Digest: Place] = [:]
        var referrers: [Digest: [Descriptor]] = [:]

        mutating func add(_ manifest: Manifest, of source: any ImageSource, in repository: String?) {
            func place(_ descriptor: Descriptor) -> Place {
                Place(source: source, descriptor: descriptor.plain, repository: repository)
            }
            let isNew = manifests.updateValue(place(manifest.descriptor), forKey: manifest.digest) == nil
            for blob in manifest.blobs where !blob.staysAway { blobs[blob.digest] = place(blob) }
            if isNew, let subject = manifest.subject {
                referrers[subject.digest, default: []].append(manifest.referrerDescriptor)
            }
        }
    }

    private var content: [String: Repository] = [:]
    /// Sorted by component.
    private let names: [String]

    /// - Throws: `ImageError` if one of them cannot be read, or two claim one name.
    init(_ images: [NamedImage]) async throws {
        var content: [String: Repository] = [:]
        for named in images {
            let (source, image, name) = (named.source, named.image, named.name)
            // Changed in its place: to copy a large repository for each of its images would take ever longer.
            for manifest in try await source.manifests(of: image) {
                content[name.repository, default: Repository()].add(manifest, of: source, in: image.repository)
            }
            guard let tag = name.tag else { continue }
            let digest = image.descriptor.digest
            if let other = content[name.repository]?.tags.updateValue(digest, forKey: tag), other != digest {
                throw ImageError.refused(
                    "two different images are called \(name): \(other.short) and \(digest.short) of \(source.title)")
            }
        }
        self.content = content
        names = content.keys.sorted { $0.split(separator: "/").lexicographicallyPrecedes($1.split(separator: "/")) }
    }

    func repositories(after last: String?, limit: Int) -> [String] {
        guard let last else { return Array(names.prefix(limit)) }
        let parts = last.split(separator: "/")
        return Array(names.lazy.filter { parts.lexicographicallyPrecedes($0.split(separator: "/")) }.prefix(limit))
    }

    /// Clients that use this as the mirror of Docker Hub ask for `library/busybox` where an archive says `busybox`.
    private func repository(_ name: String) -> Repository? {
        if let found = content[name] { return found }
        let parts = name.split(separator: "/")
        if parts.count == 1 { return content["library/\(name)"] }
        return parts.count == 2 && parts[0] == "library" ? content[String(parts[1])] : nil
    }

    func tags(of repository: String, _ request: TagsRequest) -> TagsPage? {
        (self.repository(repository)?.tags.keys.sorted()).map { TagsPage(of: $0, request) }
    }

    func manifest(_ reference: ManifestReference, in repository: String) async throws -> Manifest? {
        let content = self.repository(repository)
        let digest: Digest? =
            switch reference {
            case .tag(let tag): content?.tags[tag]
            case .digest(let digest): digest
            }
        guard let digest, let place = content?.manifests[digest] else { return nil }
        return try await place.source.manifest(place.descriptor, in: place.repository)
    }

    func blob(_ digest: Digest, in repository: String) async throws -> ServedBlob? {
        guard let place = self.repository(repository)?.blobs[digest] else { return nil }
        guard place.source.access == .inOrder else {
            return try await ServedBlob(place.descriptor, in: place.repository, of: place.source)
        }
        // Everything before the blob is inflated.
        return try await FairShare.readings.use(1, for: ClientConnection.currentShare) {
            try await ClientConnection.current?.checkPresence()
            return try await ServedBlob(place.descriptor, in: place.repository, of: place.source)
        }
    }

    /// Opens no blob whose size is known: in an archive that is compressed as a whole, that inflates everything before it.
    func blobSize(_ digest: Digest, in repository: String) async throws -> Int64? {
        guard let place = self.repository(repository)?.blobs[digest],
            try await place.source.findAbsence(of: place.descriptor, in: place.repository) == nil
        else { return nil }
        if place.descriptor.size >= 0 { return place.descriptor.size }
        return try await ServedBlob(place.descriptor, in: place.repository, of: place.source).size
    }

    func referrers(
        of digest: Digest, in repository: String, _ request: ReferrersPage.Request
    ) async throws -> ReferrersPage {
        let all = self.repository(repository)?.referrers[digest] ?? []
        guard !all.isEmpty else { return ReferrersPage(request) }
        return try await FairShare.documents.run(on: .documents) {
            var choice = ReferrersChoice(request)
            for referrer in all { try choice.add(referrer) }
            return choice.page
        }
    }

    func check() {}
}

extension ServedBlob {
    /// A source's blob: most lie in files, or in a part of one, and then the bytes go by themselves.
    init(_ descriptor: Descriptor, in repository: String?, of source: any ImageSource) async throws {
        let bytes = Handover(try await source.blob(descriptor, in: repository))
        let part = try await Workers.blobs.run { try (bytes.value as? any FileBackedSource)?.filePart() }
        if let part {
            self.init(size: part.length, bytes: .file(part.file, offset: part.offset))
        } else {
            self.init(size: descriptor.size, bytes: .stream(bytes))
        }
    }
}

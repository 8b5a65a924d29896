import ByteStreams
package import FileTrees
package import ImageModel
package import ImageTransfer
import Synchronization

/// An OCI image layout in a directory, to be written. Made when absent.
///
/// Others may write into it at the same time: blobs come by renaming, and `index.json` is read, changed
/// and replaced under a lock on `.dray/lock`. A run does so once, at its end: what has no name by then is
/// not there.
package final class OCILayout: FillsLayout, ReusesLayers, OccupiesDisk {
    package let path: String
    package let requestedName: String?
    private let naming: LayoutNaming
    package let blobs: LayoutBlobs
    private let root: LazyDirectory
    private let staging: LazyStagingArea
    /// What `index.json` is to list.
    private let entries = Mutex<[NamedDescriptor]>([])
    /// What names meant when this run first asked.
    private let digests = Mutex<LayoutNames?>(nil)
    package let layerMemory: LayerMemory?

    let quarantine: Quarantine?

    /// - Parameters:
    ///   - name: what images are to be called there: a tag, or REPOSITORY[:TAG].
    ///   - quarantine: keeps what is replaced.
    package init(path: String, name: String? = nil, quarantine: Quarantine? = nil) {
        self.path = path
        self.quarantine = quarantine
        root = LazyDirectory(path, shared: OCIPaths.blobs)
        staging = LazyStagingArea(root, quarantine: quarantine)
        requestedName = name
        naming = LayoutNaming(requestedName: name)
        blobs = LayoutBlobs(root: path)
        layerMemory = LayerMemory(place: path)
    }

    package var title: String { path }
    package var traits: DestinationTraits {
        var traits = DestinationTraits()
        traits.keepsHosts = true
        traits.isOneRepository = true
        return traits
    }

    private var tree: DirectoryTree { DirectoryTree(path, shared: OCIPaths.blobs) }

    package func area() throws -> StagingArea { try staging.area() }

    package func begin(_ images: AnnouncedImages, areCertain: Bool) async throws {
        try await Workers.blobs.run { [self] in
            var forecast = try readIndex()?.forecast ?? LayoutForecast()
            try images.forEach { forecast.add($0) }
            try forecast.check(title)
            let area = try area()
            if try area.root.kind(OCIPaths.layout) == nil {
                try area.write(Array(OCIPaths.layoutContent.utf8), to: OCIPaths.layout)
            }
            try change { _ in }
        }
    }

    package func digest(of name: ImageName) async throws -> Digest? {
        guard let tag = name.tag else { return nil }
        let own: SourceImage.Name = naming.usesBareTags ? .tag(tag) : .full(name)
        return try await Workers.blobs.run { [self] in
            try digests.withLock { digests in
                let known = try digests ?? readIndex()?.digests ?? LayoutNames()
                digests = known
                return known[own]
            }
        }
    }

    package func present(in repository: String, tags: [String]) async throws -> PresentImages? {
        guard try root.ifThere()?.kind(OCIPaths.index) != nil else { return nil }
        let source = source
        return PresentImages(source: source, images: try await source.images())
    }

    package func freeSpace() async throws -> Int64? { try ByteStreams.freeSpace(at: path) }
    package func writeObstacle() async throws -> String? { WriteObstacle.find(at: [path, "\(path)/blobs/sha256"]) }

    package func tag(_ descriptor: Descriptor, as name: ImageName) async throws {
        entries.withLock { $0.append(NamedDescriptor(descriptor, name)) }
    }

    package func finish() async throws {
        let new = entries.withLock { entries in
            defer { entries = [] }
            return entries
        }
        // What is not changed is not written anew, in dray's spelling.
        guard !new.isEmpty else { return close() }
        try await edit { [naming] in try $0.put(new.lazy.map { naming.entry($0.descriptor, as: $0.name) }) }
    }

    /// What came before the error is complete, and keeps its names.
    package func abandon() async {
        if entries.withLock({ !$0.isEmpty }) { try? await finish() }
        close()
    }

    private func close() { staging.close() }

    private func readIndex() throws -> OCIIndexFile? {
        try root.ifThere()?.file(OCIPaths.index).map {
            try OCIIndexFile(reading: FileSource($0), name: "\(path)/\(OCIPaths.index)")
        }
    }

    /// Changes `index.json` while nobody else can.
    private func change(_ body: (inout OCIIndexFile) throws -> Void) throws {
        let area = try area()
        let lock = try area.alone()
        defer { withExtendedLifetime(lock) {} }
        var index = try readIndex() ?? OCIIndexFile()
        try body(&index)
        guard index.isChanged else { return }
        try area.write(to: OCIPaths.index) { file in try index.write { try file.write($0) } }
    }

    private func edit(_ body: @Sendable @escaping (inout OCIIndexFile) throws -> Void) async throws {
        try await Workers.blobs.run { [self] in
            defer { close() }
            try change(body)
        }
    }
}

extension OCILayout: ImageEditor, ReadsThroughSource {
    package var source: OCISource { OCISource(tree) }

    package func tag(_ image: SourceImage, as tag: String) async throws {
        var name = ImageName(repository: madeUpRepository, tag: tag)
        var naming = LayoutNaming(requestedName: tag)
        if case .full(let full) = image.name {
            name = ImageName(host: full.host, repository: full.repository, tag: tag)
            naming = self.naming
        }
        let entry = naming.entry(image.descriptor, as: name)
        try await edit { try $0.put([entry]) }
    }

    package func untag(_ image: SourceImage) async throws {
        guard image.tag != nil, try source.index().contains(where: { $0.name == image.name }) else {
            throw ImageError.notFound("\(title) has no image \(image.title)")
        }
        try await edit { try $0.removeName(image.name) }
    }

    package func delete(_ image: SourceImage) async throws {
        let digest = image.descriptor.digest
        try await edit { [path] in
            guard $0.removeAll(digest) else {
                throw ImageError.refused(
                    "\(digest) is a part of another image in \(path), and goes with that: delete the index that lists it"
                )
            }
        }
    }
}

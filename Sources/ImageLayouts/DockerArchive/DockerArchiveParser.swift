package import ByteStreams
package import FileTrees
import ImageModel
import ImageTransfer
import TarArchive

/// Finds out what a docker-archive holds.
package struct DockerArchiveParser {
    let tree: any FileTree
    let oci: OCISource
    let limit: InflationLimit
    private var read: ReadManifests
    var legacyLayers: LegacyLayers
    var contents = DockerArchive.Contents()
    private var unlisted: [Digest: Manifest]?
    /// Entries of indexes that were looked at.
    private var walked = 0
    /// Where in the listing images of the OCI part are that have but a tag.
    private var bareTags: [Key: Int] = [:]
    var madeBytes = 0
    /// Images of the OCI part that have a name, by its canonical form.
    private var places: [Key: Place] = [:]
    /// Images of the OCI part that have no name there, and got one here.
    private var renamed: Set<Digest> = []
    /// The images that RepoTags name, by their canonical form: to docker, `a:1` is `docker.io/library/a:1`.
    private var tagged: [String: Digest] = [:]
    /// By their paths.
    private var configs: [String: Config] = [:]
    /// What configs say, or why they say nothing.
    var diffIDs: [Digest: Result<[Digest], any Error>] = [:]

    /// A named image in the listing.
    private enum Place {
        /// A RepoTag names it as exactly.
        case at(Int)
        /// Its name is what it is to be called.
        case settled
    }

    /// A name of the images that have one config.
    private struct Key: Hashable {
        let imageID: Digest
        let name: String

        init(_ imageID: Digest, _ name: String) {
            self.imageID = imageID
            self.name = name
        }
    }

    struct Config {
        var imageID: Digest
        var size: Int
    }

    package init(tree: any FileTree, oci: OCISource, limit: InflationLimit) {
        self.tree = tree
        self.oci = oci
        self.limit = limit
        read = ReadManifests(source: oci)
        legacyLayers = LegacyLayers(tree: tree, limit: limit)
    }

    package func parse() throws -> DockerArchive.Contents {
        var parser = self
        try parser.parseAll()
        return parser.contents
    }

    private mutating func parseAll() throws {
        let entries = try tree.size(of: OCIPaths.index) == nil ? [] : oci.roots()
        if let file = try tree.list(DockerManifestFile.self, at: "manifest.json") {
            if try ImageForm(of: tree, isCertain: true) == .directory { throw try ForeignMembers.error(of: tree) }
            try join(file.items, entries)
        } else if let file = try tree.list(DockerRepositoriesFile.self, at: "repositories") {
            try addLegacy(file)
        } else if !entries.isEmpty {
            contents.listing = try oci.listEntries()
        } else {
            throw try ForeignMembers.error(of: tree)
        }
    }

    // MARK: Both parts

    /// One image for each entry of the OCI part, and for each of the docker part that has none there.
    private mutating func join(_ items: [DockerManifestFile.Item], _ entries: [LayoutEntry]) throws {
        var named: [Digest: Descriptor] = [:]
        var configCount = 0
        for entry in entries {
            do {
                let manifest = try read.facts(of: entry.descriptor)
                let configs = try configDigests(manifest)
                configCount += configs.count
                let image = SourceImage(
                    name: entry.name, descriptor: manifest.descriptor, imageID: configs.first,
                    subject: entry.name == .none ? manifest.subject : nil)
                for config in configs where named[config] == nil { named[config] = image.descriptor }
                note(image, entry, configs)
                contents.listing.images.append(image)
            } catch let error as ImageError
                where error.code == .invalidDocument && !entry.descriptor.mediaType.isManifest
            {
                contents.listing.notes.append(OCISource.note(on: entry))
            } catch {
                contents.listing.broken.append(try oci.broken(entry, error))
            }
            try checkCount(configCount)
        }
        for item in items {
            do {
                try add(item, named)
            } catch {
                let name = item.repoTags?.lazy.compactMap { Self.name($0) }.first
                guard let broken = BrokenImage(name: name.map { .full($0) } ?? .none, error: error) else { throw error }
                contents.listing.broken.append(broken)
            }
        }
        contents.listing.images.removeAll { $0.name == .none && $0.imageID.map(renamed.contains) == true }
    }

    /// Images of the OCI part, each platform of each index being one. A name is remembered for each.
    private static let imageLimit = 250_000

    private func checkCount(_ images: Int) throws {
        guard images > Self.imageLimit else { return }
        throw ImageError.invalidDocument(
            "\(tree.title): the indexes have more than \(Self.imageLimit) images in all, which is the limit; "
                + "save fewer images into one archive")
    }

    /// Remembers where an image of the OCI part comes to stand in the listing, by its name.
    private mutating func note(_ image: SourceImage, _ entry: LayoutEntry, _ configs: [Digest]) {
        let place = contents.listing.images.count
        switch image.name {
        case .full(let name):
            // Where dray has recorded which part is the host, the name says more than a RepoTag.
            let isExact = entry.isExact
            for config in configs {
                let key = Key(config, name.canonical)
                if isExact || places[key] == nil { places[key] = isExact ? .settled : .at(place) }
            }
        case .tag(let tag):
            for config in configs where bareTags[Key(config, tag)] == nil { bareTags[Key(config, tag)] = place }
        case .none: break
        }
    }

    /// - Parameter known: the first image of the OCI part that has a config.
    private mutating func add(_ item: DockerManifestFile.Item, _ known: [Digest: Descriptor]) throws {
        let config = try config(of: item)
        let imageID = config.imageID
        var names: [ImageName] = []
        for text in item.repoTags ?? [] {
            guard let name = Self.name(text) else {
                noteInvalid(text)
                continue
            }
            let isSettled = if case .settled = places[Key(imageID, name.canonical)] { true } else { false }
            if !isSettled, name.tag != nil, let other = tagged.updateValue(imageID, forKey: name.canonical),
                other != imageID
            {
                throw ImageError.refused(
                    "\(tree.title): two different images are called \(name) (\(other.short) and \(imageID.short))")
            }
            names.append(name)
        }
        if let known = known[imageID] {
            for name in names { give(name, to: known, imageID: imageID) }
            return
        }
        let unlisted = try unlistedManifest(config: imageID)
        let manifest = try unlisted ?? make(item, config)
        let given: [SourceImage.Name] = names.isEmpty ? [.none] : names.map { .full($0) }
        contents.listing.images += given.map {
            var image = SourceImage(name: $0, descriptor: manifest.descriptor, imageID: imageID)
            image.isMade = unlisted == nil
            return image
        }
    }

    /// The config that an item names, which is read once however many items name it.
    private mutating func config(of item: DockerManifestFile.Item) throws -> Config {
        if let known = configs[item.config] { return known }
        let bytes = try configBytes(of: item)
        let imageID = Digest(of: bytes, algorithm: Self.algorithm(ofBlob: item.config))
        let config = Config(imageID: imageID, size: bytes.count)
        configs[item.config] = config
        return config
    }

    func configBytes(of item: DockerManifestFile.Item) throws -> [UInt8] {
        guard let bytes = try tree.read(try safe(item.config), limit: Document.sizeLimit) else {
            throw ImageError.damaged(
                "\(tree.title): the config \(item.config) of \(Self.title(item)) is named in manifest.json, but missing"
            )
        }
        return bytes
    }

    /// Names an image of the OCI part by a RepoTag, which is taken as it is written: it says more than a bare tag or no
    /// name there, and as much as the same name in another form.
    private mutating func give(_ name: ImageName, to descriptor: Descriptor, imageID: Digest) {
        let key = Key(imageID, name.canonical)
        switch places.updateValue(.settled, forKey: key) {
        case .settled: break
        case .at(let place): contents.listing.images[place].name = .full(name)
        case nil:
            if let tag = name.tag, let place = bareTags.removeValue(forKey: Key(imageID, tag)) {
                contents.listing.images[place].name = .full(name)
            } else {
                renamed.insert(imageID)
                contents.listing.images.append(
                    SourceImage(name: .full(name), descriptor: descriptor, imageID: imageID))
            }
        }
    }

    mutating func noteInvalid(_ name: String) {
        contents.listing.notes.append("'\(name.prefix(300))' in \(tree.title) is no valid image name")
    }

    /// Of a config in `blobs/<algorithm>/`; elsewhere it is always SHA-256.
    private static func algorithm(ofBlob path: String) -> Digest.Algorithm {
        components(of: path).dropLast().last.flatMap { Digest.Algorithm(rawValue: String($0)) } ?? .sha256
    }

    /// A RepoTag, which some builders write without the tag, and some with a digest.
    static func name(_ repoTag: String) -> ImageName? {
        guard case .full(var name) = SourceImage.Name(recorded: repoTag, bareWordIsTag: false) else { return nil }
        if name.tag == nil, !repoTag.contains("@") { name.tag = "latest" }
        return name
    }

    static func title(_ item: DockerManifestFile.Item) -> String { item.repoTags?.first ?? "an untagged image" }

    /// Configs of a manifest, or of those below an index, each once.
    private mutating func configDigests(_ root: ReadManifests.Facts) throws -> [Digest] {
        if let config = root.config { return [config] }
        var configs: [Digest] = []
        var found: Set<Digest> = []
        var seen: Set<Digest> = [root.descriptor.digest]
        var level = root.children
        for _ in 0..<4 where !level.isEmpty {
            walked += level.count
            try checkCount(walked / 4)
            var next: [Descriptor] = []
            // Platforms that were not pulled are listed, but not there.
            for child in level where try seen.insert(child.digest).inserted && isThere(child) {
                let manifest = try read.facts(of: child)
                if let config = manifest.config {
                    if found.insert(config).inserted { configs.append(config) }
                } else {
                    next += manifest.children
                }
            }
            level = next
        }
        return configs
    }

    private func isThere(_ manifest: Descriptor) throws -> Bool {
        try tree.size(of: OCIPaths.blob(manifest.digest)) != nil
    }

    /// Docker 25 writes the manifest of an untagged image, but leaves it out of `index.json`.
    private mutating func unlistedManifest(config: Digest) throws -> Manifest? {
        let known = try unlisted ?? manifestsByConfig()
        unlisted = known
        return known[config]
    }

    /// Every image's manifest that lies among the blobs, whoever lists it.
    private func manifestsByConfig() throws -> [Digest: Manifest] {
        var found: [Digest: Manifest] = [:]
        for hex in try tree.list("blobs/sha256") ?? [] {
            guard let digest = Digest(.sha256, hex: hex), let bytes = try tree.document(OCIPaths.blob(digest)),
                let manifest = try? Manifest(bytes, name: hex), case .image(let image) = manifest.content,
                manifest.digest == digest, found[image.config.digest] == nil
            else { continue }
            found[image.config.digest] = manifest
        }
        return found
    }
}

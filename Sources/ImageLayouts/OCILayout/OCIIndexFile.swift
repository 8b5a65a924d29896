import ByteStreams
package import ImageModel
package import ImageTransfer

extension ImageIndex {
    /// `index.json` being read.
    ///
    /// - Throws: `DocumentError`.
    init(ofLayout bytes: [UInt8], name: String) throws {
        let probe = try Document.decode(
            ManifestProbe.self, from: bytes, name: name, sizeLimit: Document.indexSizeLimit, members: .manifest)
        if let kind = try probe.kind(name), kind != .index {
            throw DocumentError("\(name): expected an image index, found \(kind.title)")
        }
        self = try Document.decode(Self.self, from: bytes, name: name, sizeLimit: Document.indexSizeLimit)
    }
}

/// `index.json` being changed: what dray does not know in it stays.
package struct OCIIndexFile {
    private var document: [String: JSONValue]
    private var entries: [Entry]

    private struct Entry {
        var json: JSONValue
        let digest: String?
        let name: SourceImage.Name
        /// Whether the entry says which part of its name is the host.
        let isExact: Bool

        init(_ json: JSONValue) {
            self.json = json
            digest = json.object?["digest"]?.string
            let annotations = json.object?["annotations"]?.object?.compactMapValues(\.string)
            name = LayoutNaming.name(in: annotations)
            isExact = annotations?[OCIPaths.host] != nil
        }

        /// The name without its tag.
        var home: SourceImage.Name {
            switch name {
            case .full(let name): .full(ImageName(host: name.host, repository: name.repository))
            case .tag, .none: .none
            }
        }

        var isTagged: Bool {
            switch name {
            case .full(let name): name.tag != nil
            case .tag: true
            case .none: false
            }
        }

        /// The same content without its tag: in its repository, where it has one.
        var untagged: Entry {
            guard case .object(var members) = json, let digest else { return self }
            var annotations = members["annotations"]?.object ?? [:]
            for key in [OCIPaths.refName, OCIPaths.imageName, OCIPaths.host] { annotations[key] = nil }
            if case .full(let home) = home {
                annotations.merge(LayoutNaming.annotations(home, digest).mapValues { .string($0) }) { $1 }
            }
            members["annotations"] = annotations.isEmpty ? nil : .object(annotations)
            return Entry(.object(members))
        }
    }

    /// Content in a repository, or in none.
    private struct Place: Hashable {
        let digest: String?
        let home: SourceImage.Name

        init(_ entry: Entry) {
            digest = entry.digest
            home = entry.home
        }
    }

    package init(_ bytes: [UInt8]?, name: String) throws {
        document =
            try bytes.map {
                try Document.object(from: $0, name: name, sizeLimit: Document.indexSizeLimit)
            } ?? ["schemaVersion": .integer(2), "mediaType": .string(MediaType.ociIndex.rawValue)]
        if case .array(let list)? = document["manifests"] { entries = list.map { Entry($0) } } else { entries = [] }
    }

    /// What names with a tag mean.
    package var digests: LayoutNames {
        var digests = LayoutNames()
        for entry in entries where entry.isTagged {
            guard let digest = entry.digest.flatMap({ Digest($0) }) else { continue }
            digests.add(entry.name, isExact: entry.isExact, digest)
        }
        return digests
    }

    /// Lists entries. Others of the same names lose those. One without a tag is of use only where its content has no tag
    /// in the same repository.
    package mutating func put(_ descriptors: [Descriptor]) throws {
        let new = try descriptors.map {
            Entry(try Document.value(from: Document.encode($0), name: "descriptor"))
        }
        removeTags(new.filter(\.isTagged).map(\.name), listing: new)
    }

    /// Takes a name away; content that nothing else lists stays listed without a tag.
    package mutating func removeName(_ name: SourceImage.Name) { removeTags([name], listing: []) }

    private mutating func removeTags(_ removed: [SourceImage.Name], listing new: [Entry]) {
        var names = LayoutNames()
        for name in removed { names.add(name, isExact: true, nil) }
        let replaced = entries.filter { $0.isTagged && names.contains($0.name, isExact: $0.isExact) }
        var all = entries.filter { !($0.isTagged && names.contains($0.name, isExact: $0.isExact)) } + new
        var listed = Set(all.map(\.digest))
        for entry in replaced where listed.insert(entry.digest).inserted { all.append(entry.untagged) }
        let tagged = all.filter(\.isTagged)
        let digests = Set(tagged.map(\.digest))
        let places = Set(tagged.map(Place.init))
        var kept: Set<Place> = []
        entries = all.filter { entry in
            if entry.isTagged { return true }
            let isRedundant = entry.home == .none ? digests.contains(entry.digest) : places.contains(Place(entry))
            return !isRedundant && kept.insert(Place(entry)).inserted
        }
    }

    /// - Returns: whether there was an entry of that digest.
    package mutating func removeAll(_ digest: Digest) -> Bool {
        let count = entries.count
        entries.removeAll { $0.digest == digest.description }
        return entries.count < count
    }

    package func encoded() throws -> [UInt8] {
        var document = document
        document["manifests"] = .array(entries.map(\.json))
        return try Document.encode(document)
    }
}

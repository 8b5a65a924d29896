import FileTrees
package import ImageModel
package import ImageTransfer

/// `index.json` being changed: what dray does not know in it stays.
package struct OCIIndexFile: ListDocument {
    /// All members but the entries.
    private var members: [String: JSONValue]
    private var entries: [Entry] = []
    /// Whether it is other than what was read.
    private(set) var isChanged = false

    private struct Entry {
        /// The entry as JSON.
        let text: [UInt8]
        let digest: Digest?
        let name: SourceImage.Name
        /// Whether the entry says which part of its name is the host.
        let isExact: Bool

        init(_ text: [UInt8], name: String) throws {
            let json = try Document.value(from: text, name: name).object
            let annotations = json?["annotations"]?.object?.compactMapValues(\.string)
            self.init(text, (json?["digest"]?.string).flatMap { Digest($0) }, annotations)
        }

        init(_ descriptor: Descriptor) throws {
            self.init(try Document.encode(descriptor), descriptor.digest, descriptor.annotations)
        }

        private init(_ text: [UInt8], _ digest: Digest?, _ annotations: [String: String]?) {
            self.text = text
            self.digest = digest
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

        var isTagged: Bool { name.tag != nil }

        /// The same content without its tag: in its repository, where it has one.
        func untagged() throws -> Entry {
            guard let digest else { return self }
            var members = try Document.object(from: text, name: OCIPaths.index)
            var annotations = members["annotations"]?.object ?? [:]
            for key in [OCIPaths.refName, OCIPaths.imageName, OCIPaths.host] { annotations[key] = nil }
            if case .full(let home) = home {
                let names = LayoutNaming.annotations(home, digest.description)
                annotations.merge(names.mapValues { .string($0) }) { $1 }
            }
            members["annotations"] = annotations.isEmpty ? nil : .object(annotations)
            return try Entry(Document.encode(JSONValue.object(members)), name: OCIPaths.index)
        }
    }

    /// Content in a repository, or in none.
    private struct Place: Hashable {
        let digest: Digest?
        let home: SourceImage.Name

        init(_ entry: Entry) {
            digest = entry.digest
            home = entry.home
        }
    }

    /// A new one.
    package init() {
        members = ["schemaVersion": .integer(2), "mediaType": .string(MediaType.ociIndex.rawValue)]
        isChanged = true
    }

    package init(_ reader: inout DocumentReader) throws {
        var entries: [Entry] = []
        let name = reader.name
        let rest = try reader.object { reader, key in
            guard key == "manifests", try reader.isArray() else { return false }
            try reader.array { entries.append(try Entry($0.entry(), name: name)) }
            return true
        }
        members = try Document.object(from: rest, name: name)
        self.entries = entries
    }

    /// Its size before anything is added.
    var forecast: LayoutForecast {
        LayoutForecast(entries: entries.count, bytes: entries.reduce(0) { $0 + $1.text.count + 1 })
    }

    /// What names with a tag mean.
    package var digests: LayoutNames {
        var digests = LayoutNames()
        for entry in entries where entry.isTagged {
            if let digest = entry.digest { digests.add(entry.name, isExact: entry.isExact, digest) }
        }
        return digests
    }

    /// Lists entries. Others of the same names lose those. One without a tag is of use only where its content has no tag
    /// in the same repository.
    package mutating func put(_ descriptors: some Sequence<Descriptor>) throws {
        let new = try descriptors.map { try Entry($0) }
        try removeTags(new.lazy.filter(\.isTagged).map(\.name), listing: new)
    }

    /// Takes a name away; content that nothing else lists stays listed without a tag.
    package mutating func removeName(_ name: SourceImage.Name) throws { try removeTags([name], listing: []) }

    private mutating func removeTags(_ removed: some Sequence<SourceImage.Name>, listing new: [Entry]) throws {
        let before = entries.map(\.text)
        defer { if !isChanged { isChanged = before != entries.map(\.text) } }
        var names = LayoutNames()
        if !entries.isEmpty { for name in removed { names.add(name, isExact: true, nil) } }
        let isReplaced = entries.map { $0.isTagged && names.contains($0.name, isExact: $0.isExact) }
        var all = zip(entries, isReplaced).lazy.filter { !$1 }.map(\.0) + new
        if isReplaced.contains(true) {
            var listed = Set(all.lazy.map(\.digest))
            for (entry, isReplaced) in zip(entries, isReplaced) where isReplaced {
                if listed.insert(entry.digest).inserted { all.append(try entry.untagged()) }
            }
        }
        entries = all
        guard all.contains(where: { !$0.isTagged }) else { return }
        let digests = Set(all.lazy.filter(\.isTagged).map(\.digest))
        let places = Set(all.lazy.filter(\.isTagged).map(Place.init))
        var kept: Set<Place> = []
        entries.removeAll { entry in
            guard !entry.isTagged else { return false }
            let isRedundant = entry.home == .none ? digests.contains(entry.digest) : places.contains(Place(entry))
            return isRedundant || !kept.insert(Place(entry)).inserted
        }
    }

    /// - Returns: whether there was an entry of that digest.
    package mutating func removeAll(_ digest: Digest) -> Bool {
        let count = entries.count
        entries.removeAll { $0.digest == digest }
        if entries.count < count { isChanged = true }
        return entries.count < count
    }

    /// - Throws: `ImageError` if it has become larger than what is read.
    package func write(to sink: @escaping (UnsafeRawBufferPointer) throws -> Void) throws {
        var members = members
        members["manifests"] = .array([])
        try DocumentWriter.write(name: OCIPaths.index, to: sink) { writer in
            try writer.object { writer in
                for (key, value) in members.sorted(by: { $0.key < $1.key }) {
                    try writer.member(key)
                    guard key == "manifests" else {
                        try writer.value(value)
                        continue
                    }
                    try writer.array { writer in
                        for entry in entries { try writer.entry(entry.text) }
                    }
                }
            }
        }
    }
}

/// `oci-layout`: that a directory is an OCI layout, and of which version.
struct OCILayoutFile: Decodable {
    let imageLayoutVersion: String

    /// - Throws: `ImageError`.
    init(_ bytes: [UInt8], name: String) throws { self = try Document.decode(Self.self, from: bytes, name: name) }

    static func isKnown(_ version: String) -> Bool { version.hasPrefix("1.0") }
}

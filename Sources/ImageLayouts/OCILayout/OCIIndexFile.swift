import ByteStreams
package import ImageModel

extension ImageIndex {
    /// `index.json` being read.
    ///
    /// - Throws: `DocumentError`.
    init(ofLayout bytes: [UInt8], name: String) throws {
        self = try Document.decode(
            Self.self, from: bytes, name: name, sizeLimit: Document.indexSizeLimit, members: .manifest)
    }
}

/// `index.json` being changed: what dray does not know in it stays.
package struct OCIIndexFile {
    private var document: [String: JSONValue]
    private var entries: [Entry]

    private struct Entry {
        var json: JSONValue
        var digest: String?
        /// What it is called, whatever the spelling.
        var names: Set<String> = []

        init(_ json: JSONValue) {
            self.json = json
            digest = json.object?["digest"]?.string
            let annotations = json.object?["annotations"]?.object
            for key in [OCIPaths.imageName, OCIPaths.refName] {
                if let text = annotations?[key]?.string { names.insert(LayoutNaming.key(text)) }
            }
        }

        var withoutNames: Entry {
            guard case .object(var members) = json else { return self }
            if case .object(var annotations)? = members["annotations"] {
                annotations[OCIPaths.refName] = nil
                annotations[OCIPaths.imageName] = nil
                members["annotations"] = annotations.isEmpty ? nil : .object(annotations)
            }
            return Entry(.object(members))
        }
    }

    package init(_ bytes: [UInt8]?, name: String) throws {
        document =
            try bytes.map {
                try Document.object(from: $0, name: name, sizeLimit: Document.indexSizeLimit)
            } ?? ["schemaVersion": .integer(2), "mediaType": .string(MediaType.ociIndex.rawValue)]
        if case .array(let list)? = document["manifests"] { entries = list.map { Entry($0) } } else { entries = [] }
    }

    /// What names mean, by their keys.
    package var digests: [String: Digest] {
        var digests: [String: Digest] = [:]
        for entry in entries {
            for name in entry.names { digests[name] = entry.digest.flatMap { Digest($0) } }
        }
        return digests
    }

    /// Lists entries. Others of the same names lose those; one without a name is of use only where its content
    /// is listed nowhere else.
    package mutating func put(_ descriptors: [Descriptor]) throws {
        var new: [Entry] = []
        for descriptor in descriptors {
            new.append(
                Entry(try Document.value(from: Document.encode(descriptor), name: "descriptor")))
        }
        removeNames(new.reduce(into: []) { $0.formUnion($1.names) }, listing: new)
        let named = Set(new.filter { !$0.names.isEmpty }.map(\.digest))
        entries.removeAll { $0.names.isEmpty && named.contains($0.digest) }
        var listed = Set(entries.map(\.digest)).union(named)
        for entry in new where !entry.names.isEmpty || listed.insert(entry.digest).inserted { entries.append(entry) }
    }

    /// Takes a name away; content that nothing else lists stays listed without one.
    package mutating func removeName(_ name: String) { removeNames([LayoutNaming.key(name)], listing: []) }

    private mutating func removeNames(_ names: Set<String>, listing new: [Entry]) {
        let removed = entries.filter { !$0.names.isDisjoint(with: names) }
        entries.removeAll { !$0.names.isDisjoint(with: names) }
        var listed = Set((entries + new).map(\.digest))
        for entry in removed where listed.insert(entry.digest).inserted { entries.append(entry.withoutNames) }
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

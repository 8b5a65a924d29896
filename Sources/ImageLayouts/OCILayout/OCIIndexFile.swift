import ByteStreams
import ImageModel

/// `index.json` being changed: what dray does not know in it stays.
struct OCIIndexFile {
    private var document: [String: JSONValue]
    private var entries: [JSONValue]

    init(_ bytes: [UInt8]?, name: String) throws {
        document =
            try bytes.map {
                try Document.decode([String: JSONValue].self, from: $0, name: name, sizeLimit: Document.indexSizeLimit)
            } ?? ["schemaVersion": .integer(2), "mediaType": .string(MediaType.ociIndex.rawValue)]
        if case .array(let list)? = document["manifests"] { entries = list } else { entries = [] }
    }

    /// Lists an entry. Another of the same name loses that, and its place if something else still lists it.
    mutating func put(_ descriptor: Descriptor, name: String?) throws {
        let digest = descriptor.digest.description
        if let name {
            try remove { Self.names($0).contains(name) }
            // An entry without a name is no use beside one with a name.
            entries.removeAll { Self.digest($0) == digest && Self.names($0).isEmpty }
        } else if entries.contains(where: { Self.digest($0) == digest }) {
            return
        }
        entries.append(try Document.decode(JSONValue.self, from: Document.encode(descriptor), name: "descriptor"))
    }

    /// Takes names away; content that nothing else lists stays listed without one.
    mutating func remove(where matches: (JSONValue) -> Bool) throws {
        let removed = entries.filter(matches)
        entries.removeAll(where: matches)
        for case .object(var entry) in removed {
            guard !entries.contains(where: { Self.digest($0) == entry["digest"]?.string }) else { continue }
            if case .object(var annotations)? = entry["annotations"] {
                annotations[OCIPaths.refName] = nil
                annotations[OCIPaths.imageName] = nil
                entry["annotations"] = annotations.isEmpty ? nil : .object(annotations)
            }
            entries.append(.object(entry))
        }
    }

    mutating func removeName(_ name: String) throws { try remove { Self.names($0).contains(name) } }

    mutating func removeAll(_ digest: Digest) { entries.removeAll { Self.digest($0) == digest.description } }

    func encoded() throws -> [UInt8] {
        var document = document
        document["manifests"] = .array(entries)
        return try Document.encode(document)
    }

    private static func digest(_ entry: JSONValue) -> String? { entry.object?["digest"]?.string }

    private static func names(_ entry: JSONValue) -> [String] {
        let annotations = entry.object?["annotations"]?.object
        return [OCIPaths.imageName, OCIPaths.refName].compactMap { annotations?[$0]?.string }
    }
}

import ByteStreams
import FileTrees
import ImageModel

/// The layers of an archive before Docker 1.10. Many images share them: each is read once.
struct LegacyLayers {
    /// The part of a layer that the config of every image above it repeats.
    struct Layer: Sendable {
        var parent: String?
        /// Its entry in a config's history.
        var history: JSONValue
        /// Bytes of the history's text.
        var size: Int
    }

    let tree: any FileTree
    private let limit: InflationLimit
    private var layers: [String: Result<Layer, any Error>] = [:]
    private var size = 0
    /// By the paths of the layers.
    private var diffIDs: [String: Result<Digest, any Error>] = [:]

    /// Bytes of history that are kept. Beyond, layers are read anew.
    private static let keptLimit = 16 << 20

    init(tree: any FileTree, limit: InflationLimit) {
        self.tree = tree
        self.limit = limit
    }

    /// - Parameter image: the image that needs it, for messages.
    mutating func layer(_ id: String, of image: String) throws -> Layer {
        if let known = layers[id] { return try known.get() }
        let layer = Result { Layer(try document(id, of: image)) }
        size += (try? layer.get())?.size ?? 0
        if size > Self.keptLimit { (layers, size) = ([:], 0) }
        layers[id] = layer
        return try layer.get()
    }

    /// All that a layer says of itself.
    func document(_ id: String, of image: String) throws -> [String: JSONValue] {
        guard ImageForm.isLegacyID(id), let bytes = try tree.read("\(id)/json", limit: Document.sizeLimit) else {
            throw ImageError.damaged("\(tree.title): \(id)/json is missing, which the image \(image) needs")
        }
        return try Document.object(from: bytes, name: "\(tree.title): \(id)/json")
    }

    mutating func diffID(of path: String, of image: String) throws -> Digest {
        if let known = diffIDs[path] { return try known.get() }
        let diffID = Result { try readDiffID(of: path, of: image) }
        diffIDs[path] = diffID
        return try diffID.get()
    }

    private func readDiffID(of path: String, of image: String) throws -> Digest {
        guard let facts = try tree.facts(of: path) else {
            throw ImageError.damaged("\(tree.title): \(path) is missing, which the image \(image) needs")
        }
        return facts.compression == .none ? facts.digest : try inflatedDigest(path, facts)
    }

    private func inflatedDigest(_ path: String, _ facts: FileFacts) throws -> Digest {
        guard let bytes = try tree.open(path) else {
            throw ImageError.damaged("\(tree.title): \(path) is missing")
        }
        let inflated = HashingSource(
            try InflatingSource(bytes, format: facts.compression, limit: limit, name: "\(tree.title): \(path)"))
        _ = try inflated.drain()
        return inflated.digest()
    }
}

extension LegacyLayers.Layer {
    fileprivate init(_ json: [String: JSONValue]) {
        let next = json["parent"]?.string ?? json["parent_id"]?.string
        parent = next?.isEmpty == true ? nil : next
        var texts: [String: String] = [:]
        if let author = json["author"]?.string, !author.isEmpty { texts["author"] = author }
        if let comment = json["comment"]?.string, !comment.isEmpty { texts["comment"] = comment }
        if case .array(let words)? = json["container_config"]?.object?["Cmd"] {
            texts["created_by"] = words.compactMap(\.string).joined(separator: " ")
        }
        if let created = json["created"]?.string { texts["created"] = created }
        size = texts.values.reduce(0) { $0 + $1.utf8.count }
        var entry = texts.mapValues { JSONValue.string($0) }
        if json["created"] == .null { entry["created"] = .null }
        history = .object(entry)
    }
}

import ByteStreams
import ImageModel
import ImageTransfer

/// An image of an archive before Docker 1.10: a chain of layers, each a directory with its own JSON, and no
/// config. The config is made the way Docker's migration made it.
/// Sources: Docker image specification v1; moby, image/v1/imagev1.go.
struct LegacyImage {
    /// Base first.
    let layerPaths: [String]
    let config: [UInt8]

    private static let chainLimit = 1000

    /// - Parameter id: of the topmost layer.
    init(id: String, in tree: any FileTree, limit: InflationLimit) throws {
        var chain: [(path: String, json: [String: JSONValue])] = []
        var next: String? = id
        while let current = next {
            guard chain.count < Self.chainLimit, !chain.contains(where: { $0.path == current }) else {
                throw TransferError.damaged("\(tree.title): the parents of \(id) go in a circle, or are too many")
            }
            guard isV1ID(current), let bytes = try tree.read("\(current)/json", limit: Document.sizeLimit) else {
                throw TransferError.damaged("\(tree.title): \(current)/json is missing, which the image \(id) needs")
            }
            let json = try Document.object(from: bytes, name: "\(tree.title): \(current)/json")
            chain.append((current, json))
            next = json["parent"]?.string ?? json["parent_id"]?.string
            if next?.isEmpty == true { next = nil }
        }
        chain.reverse()
        var diffIDs: [JSONValue] = []
        var history: [JSONValue] = []
        layerPaths = chain.map { "\($0.path)/layer.tar" }
        for (layer, path) in zip(chain, layerPaths) {
            guard let facts = try tree.facts(of: path) else {
                throw TransferError.damaged("\(tree.title): \(path) is missing, which the image \(id) needs")
            }
            let diffID = facts.compression == .none ? facts.digest : try Self.inflatedDigest(path, facts, tree, limit)
            diffIDs.append(.string(diffID.description))
            history.append(Self.history(layer.json))
        }
        var config = chain.last?.json ?? [:]
        for key in ["id", "parent", "parent_id", "layer_id", "throwaway", "Size"] { config[key] = nil }
        config["rootfs"] = .object(["type": .string("layers"), "diff_ids": .array(diffIDs)])
        config["history"] = .array(history)
        self.config = try Document.encode(config)
    }

    private static func history(_ json: [String: JSONValue]) -> JSONValue {
        var entry: [String: JSONValue] = [:]
        entry["created"] = json["created"]
        if let author = json["author"]?.string, !author.isEmpty { entry["author"] = .string(author) }
        if let comment = json["comment"]?.string, !comment.isEmpty { entry["comment"] = .string(comment) }
        if case .array(let words)? = json["container_config"]?.object?["Cmd"] {
            entry["created_by"] = .string(words.compactMap(\.string).joined(separator: " "))
        }
        return .object(entry)
    }

    private static func inflatedDigest(
        _ path: String, _ facts: FileFacts, _ tree: any FileTree, _ limit: InflationLimit
    ) throws -> Digest {
        guard let bytes = try tree.open(path) else {
            throw TransferError.damaged("\(tree.title): \(path) is missing")
        }
        let inflated = HashingSource(
            try InflatingSource(bytes, format: facts.compression, limit: limit, name: "\(tree.title): \(path)"))
        _ = try inflated.drain()
        return inflated.digest()
    }
}

/// Directories of v1 layers are named by 64 hexadecimal digits.
func isV1ID(_ text: String) -> Bool { Digest(.sha256, hex: text) != nil }

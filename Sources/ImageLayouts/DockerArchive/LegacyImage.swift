import FileTrees
import ImageModel

/// An image of an archive before Docker 1.10: a chain of layers, each a directory with its own JSON, and no
/// config. The config is made the way Docker's migration made it.
/// Sources: Docker image specification v1; moby, image/v1/imagev1.go.
struct LegacyImage {
    /// Base first.
    let layerPaths: [String]
    let config: [UInt8]

    private static let chainLimit = 1000

    /// - Parameter id: of the topmost layer.
    init(id: String, of layers: inout LegacyLayers) throws {
        let title = layers.tree.title
        var chain: [LegacyLayers.Layer] = []
        var ids: [String] = []
        var seen: Set<String> = []
        var bytes = 0
        var next: String? = id
        while let current = next {
            guard seen.count < Self.chainLimit, seen.insert(current).inserted else {
                throw ImageError.damaged("\(title): the parents of \(id) go in a circle, or are too many")
            }
            let layer = try layers.layer(current, of: id)
            bytes += layer.size
            guard bytes <= Document.sizeLimit else { throw Self.tooLarge(id, title) }
            chain.append(layer)
            ids.append(current)
            next = layer.parent
        }
        layerPaths = ids.reversed().map { "\($0)/layer.tar" }
        let diffIDs = try layerPaths.map { JSONValue.string(try layers.diffID(of: $0, of: id).description) }
        var config = try layers.document(id, of: id)
        for key in ["id", "parent", "parent_id", "layer_id", "throwaway", "Size"] { config[key] = nil }
        config["rootfs"] = .object(["type": .string("layers"), "diff_ids": .array(diffIDs)])
        config["history"] = .array(chain.reversed().map(\.history))
        self.config = try Document.encode(config)
        guard self.config.count <= Document.sizeLimit else { throw Self.tooLarge(id, title) }
    }

    private static func tooLarge(_ id: String, _ title: String) -> ImageError {
        ImageError.invalidDocument(
            "\(title): the config made for the image \(id), with the history of all its parents, has more than "
                + "\(ByteCount(Int64(Document.sizeLimit))), which is the limit")
    }
}

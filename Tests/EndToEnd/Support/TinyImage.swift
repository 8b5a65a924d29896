import Foundation
import ImageModel

/// An image that a test can spell out: one layer, a config, and a manifest of whatever length is wanted.
struct TinyImage: Sendable {
    static let docker = "application/vnd.docker.distribution.manifest.v2+json"
    static let dockerList = "application/vnd.docker.distribution.manifest.list.v2+json"
    static let oci = "application/vnd.oci.image.manifest.v1+json"
    static let index = "application/vnd.oci.image.index.v1+json"
    /// An index that lists nothing.
    static let emptyIndex = Array(#"{"schemaVersion":2,"mediaType":"\#(index)","manifests":[]}"#.utf8)

    var type: String
    var layer: [UInt8]
    var config: [UInt8]
    var manifest: [UInt8]

    var digest: String { Digest(of: manifest).description }
    var layerDigest: String { Digest(of: layer).description }
    var configDigest: String { Digest(of: config).description }

    /// - Parameters:
    ///   - seed: different seeds make different layers, configs and manifests.
    ///   - layer: its bytes; 108 made of the seed unless given.
    ///   - fields: more members of the manifest, each with a comma before it.
    ///   - length: of the manifest, filled up with spaces.
    init(
        _ seed: String = "hello", type: String = docker, layer: [UInt8]? = nil, configType: String? = nil,
        fields: String = "", length: Int = 0
    ) {
        self.type = type
        self.layer = layer ?? Array("\(seed) \(String(repeating: "layer ", count: 18))".utf8.prefix(108))
        config = Array(#"{"architecture":"amd64","os":"linux","author":"\#(seed)"}"#.utf8)
        let names =
            type == Self.oci
            ? ("application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar")
            : ("application/vnd.docker.container.image.v1+json", "application/vnd.docker.image.rootfs.diff.tar")
        let config =
            #"{"mediaType":"\#(configType ?? names.0)","size":\#(self.config.count),"#
            + #""digest":"\#(Digest(of: self.config))"}"#
        let layer = #"{"mediaType":"\#(names.1)","size":\#(self.layer.count),"digest":"\#(Digest(of: self.layer))"}"#
        let text = #"{"schemaVersion":2,"mediaType":"\#(type)","config":\#(config),"layers":[\#(layer)]\#(fields)"#
        manifest = Array((text + String(repeating: " ", count: max(0, length - text.utf8.count - 1)) + "}").utf8)
    }

    /// The layer's and the manifest's lengths that `registry-cases.md` speaks of.
    static let hello = TinyImage(length: 583)

    var descriptor: String { #"{"mediaType":"\#(type)","size":\#(manifest.count),"digest":"\#(digest)"}"# }

    /// An index, or a list, of images.
    static func index(of images: [TinyImage], type: String = index, fields: String = "") -> [UInt8] {
        let platform = #","platform":{"architecture":"amd64","os":"linux"}}"#
        let entries = images.map { $0.descriptor.dropLast() + platform }.joined(separator: ",")
        return Array(#"{"schemaVersion":2,"mediaType":"\#(type)","manifests":[\#(entries)]\#(fields)}"#.utf8)
    }
}

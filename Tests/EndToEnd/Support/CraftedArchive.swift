import Foundation
import ImageModel
import TarArchive

/// A tar made member by member, right or wrong as a test wants it.
struct CraftedArchive {
    private var bytes: [UInt8] = []

    mutating func add(_ path: String, _ content: [UInt8]) {
        bytes += TarFormat.header(path: path, size: Int64(content.count), isDirectory: false)
        bytes += content + TarFormat.padding(after: Int64(content.count))
    }

    mutating func add(_ path: String, _ text: String) { add(path, Array(text.utf8)) }

    /// A symbolic link: a header whose type and target are changed, and its checksum with them.
    mutating func link(_ path: String, to target: String) {
        var header = TarFormat.header(path: path, size: 0, isDirectory: false)
        header[156] = UInt8(ascii: "2")
        header.replaceSubrange(157..<157 + target.utf8.count, with: target.utf8)
        for position in 148..<156 { header[position] = 32 }
        let sum = String(header.reduce(0) { $0 + Int($1) }, radix: 8)
        let digits = String(repeating: "0", count: 6 - sum.count) + sum
        header.replaceSubrange(148..<156, with: Array(digits.utf8) + [0, 32])
        bytes += header
    }

    func bytes(length: Int? = nil) -> [UInt8] { Array((bytes + TarFormat.end).prefix(length ?? .max)) }

    func write(to path: String, length: Int? = nil) throws {
        let whole = bytes + TarFormat.end
        try Data(whole.prefix(length ?? whole.count)).write(to: URL(filePath: path))
    }

    /// A small layer: a tar with one file.
    static func layer(_ text: String) -> [UInt8] {
        var layer = CraftedArchive()
        layer.add("file", text)
        return layer.bytes + TarFormat.end
    }

    /// An image of one layer, with whatever a test wants changed.
    static func image(
        layer: [UInt8] = layer("hello"), diffIDs: [Digest]? = nil, config: String? = nil,
        manifest: String? = nil, withLayer: Bool = true
    ) -> CraftedArchive {
        let ids = (diffIDs ?? [Digest(of: layer)]).map { "\"\($0)\"" }.joined(separator: ",")
        let config =
            config ?? #"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[\#(ids)]}}"#
        var archive = CraftedArchive()
        if withLayer { archive.add("one/layer.tar", layer) }
        archive.add("config.json", config)
        archive.add(
            "manifest.json",
            manifest ?? #"[{"Config":"config.json","RepoTags":["bad/image:1"],"Layers":["one/layer.tar"]}]"#)
        return archive
    }
}

import ByteStreams
import Foundation
import ImageBackup
import ImageLayouts
import ImageModel
import ImageTransfer
import RegistryStore
import TarArchive

/// A few images of every kind, and places that hold all or one of them.
struct SamplePlaces {
    /// A layout that was written file by file, by no part of dray that is tested.
    let layout: String
    let store: String
    let directory: String
    let archive: String
    /// Of two snapshots.
    let backup: String

    static let multi = "team/app:1"
    private let root: String

    /// - Parameters:
    ///   - root: a directory, to be filled.
    ///   - seed: of some more images; nil for none.
    init(in root: String, seed: UInt64? = nil) async throws {
        self.root = root
        layout = "\(root)/layout"
        store = "\(root)/store"
        directory = "\(root)/dir"
        archive = "\(root)/archive.tar"
        backup = "\(root)/backup"
        try Self.write(layout, seed)
        for destination in [
            Store(path: store), ArchiveDestination(.oci, path: archive), OCILayout(path: "\(root)/copy"),
        ] as [any ImageDestination] {
            _ = try await Copier().copy([CopySelection(source: try OCISource(path: layout))], to: destination)
        }
        _ = try await Copier().copy(
            [CopySelection(source: try OCISource(path: layout), name: Self.multi)], to: ImageDirectory(path: directory))
        for name in [nil, "tool"] {
            _ = try await Copier().copy(
                [CopySelection(source: try OCISource(path: layout), name: name)],
                to: try await Backup(path: backup).newSnapshot(of: [layout]))
        }
        for place in [store, backup] { try FileManager.default.removeItem(atPath: "\(place)/.dray") }
    }

    private static func write(_ path: String, _ seed: UInt64?) throws {
        var writer = LayoutFiles(path)
        let shared = try writer.layer("shared", 3000)
        let amd = try writer.image([shared, writer.layer("amd", 20_000)], "amd64")
        let arm = try writer.image([shared, writer.layer("arm", 700)], "arm64")
        let index = try writer.put(
            #"{"schemaVersion":2,"mediaType":"\#(MediaType.ociIndex)","manifests":[\#(amd.entry("amd64")),\#(arm.entry("arm64"))]}"#,
            .ociIndex)
        writer.add(index, multi)
        writer.add(try writer.image([shared, writer.layer("two", 90_000)], "amd64"), "team/app:2")
        let tool = try writer.image([writer.layer("tool", 5), shared], "amd64", .docker)
        writer.add(tool, "tool:latest")
        writer.add(amd, "tool:amd")
        let empty = try writer.put("{}", .ociEmpty)
        let note = try writer.put("a statement about it", MediaType("text/plain"))
        let statement = try writer.put(
            #"{"schemaVersion":2,"mediaType":"\#(MediaType.ociManifest)","artifactType":"test/statement","#
                + #""config":\#(empty.json),"layers":[\#(note.json)],"subject":\#(index.json)}"#, .ociManifest)
        writer.add(statement, "team/app:statement")
        var random = SeededBytes(seed: seed ?? 0)
        var layers = [shared]
        for number in 0..<(seed == nil ? 0 : Int.random(in: 1...4, using: &random)) {
            let others = layers.shuffled(using: &random).prefix(Int.random(in: 0...layers.count, using: &random))
            layers.append(try writer.layer("more\(number)", Int.random(in: 0...60_000, using: &random)))
            let image = try writer.image(
                others + layers.suffix(1), Bool.random(using: &random) ? "amd64" : "arm64",
                Bool.random(using: &random) ? .oci : .docker)
            writer.add(image, "more/\(number % 2):\(number)")
        }
        try writer.finish()
    }
}

/// Writes a layout with nothing but Foundation and the models.
private struct LayoutFiles {
    struct Entry {
        var type: MediaType
        var digest: Digest
        var size: Int

        var json: String { "{\(members)}" }
        var members: String { #""mediaType":"\#(type)","digest":"\#(digest)","size":\#(size)"# }
        func entry(_ architecture: String) -> String {
            #"{\#(members),"platform":{"architecture":"\#(architecture)","os":"linux"}}"#
        }
    }
    struct Layer {
        var entry: Entry
        var diffID: Digest
    }

    let path: String
    private var entries: [String] = []

    init(_ path: String) { self.path = path }

    func put(_ bytes: [UInt8], _ type: MediaType) throws -> Entry {
        let digest = Digest(of: bytes)
        let url = URL(filePath: "\(path)/blobs/sha256/\(digest.hex)")
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
        return Entry(type: type, digest: digest, size: bytes.count)
    }

    func put(_ text: String, _ type: MediaType) throws -> Entry { try put(Array(text.utf8), type) }

    func layer(_ name: String, _ size: Int) throws -> Layer {
        let content = SeededBytes.letters(size, seed: UInt64(size))
        let tar =
            TarFormat.header(path: name, size: Int64(size), isDirectory: false) + content
            + TarFormat.padding(after: Int64(size)) + TarFormat.end
        let packed = try GzipCompressor(BytesSource(tar)).collect()
        return Layer(entry: try put(packed, .ociLayerGzip), diffID: Digest(of: tar))
    }

    func image(_ layers: [Layer], _ architecture: String, _ format: ManifestFormat = .oci) throws -> Entry {
        let ids = layers.map { "\"\($0.diffID)\"" }.joined(separator: ",")
        let config = try put(
            #"{"architecture":"\#(architecture)","os":"linux","rootfs":{"type":"layers","diff_ids":[\#(ids)]}}"#,
            MediaType.ociConfig.renamed(for: format))
        let parts = layers.map { layer in
            var entry = layer.entry
            entry.type = entry.type.renamed(for: format)
            return entry.json
        }
        let type = MediaType.ociManifest.renamed(for: format)
        return try put(
            #"{"schemaVersion":2,"mediaType":"\#(type)","config":\#(config.json),"layers":[\#(parts.joined(separator: ","))]}"#,
            type)
    }

    mutating func add(_ entry: Entry, _ name: String) {
        entries.append(
            #"{\#(entry.members),"annotations":{"io.containerd.image.name":"\#(name)"}}"#)
    }

    func finish() throws {
        try Data(#"{"imageLayoutVersion":"1.0.0"}"#.utf8).write(to: URL(filePath: "\(path)/oci-layout"))
        try Data(#"{"schemaVersion":2,"manifests":[\#(entries.joined(separator: ",\n "))]}"#.utf8).write(
            to: URL(filePath: "\(path)/index.json"))
    }
}

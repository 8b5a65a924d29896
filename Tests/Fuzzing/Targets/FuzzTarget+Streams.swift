import ByteStreams
import FileTrees
import Glibc
import RegistryStore
import TarArchive

extension FuzzTarget {
    static let streams = [
        FuzzTarget("tars") { bytes in
            _ = try? TarCheck.run(BytesSource(bytes), name: "it")
            let file = try UnnamedFile(bytes)
            defer { withExtendedLifetime(file) {} }
            let index = try? TarIndex(OpenFile(reading: file.path), name: "it")
            for name in (try? index?.members.list("")) ?? [] { _ = try? index?.members.list(name) }
            var contents: [String: [UInt8]] = [:]
            let reader = try TarReader(BytesSource(bytes), name: "it", limit: .small)
            while let entry = try reader.next() {
                contents[entry.path] = entry.kind == .file ? try reader.body().readAll(limit: 1 << 20, name: "it") : nil
            }
            guard let index else { return }
            for (path, content) in contents {
                guard let entry = try? index.members.file(at: path) else { continue }
                let sought = try index.open(entry).readAll(limit: 1 << 20, name: "it")
                try promise("a member is the same, sought or read in order", entry.path != path || sought == content)
            }
        },
        FuzzTarget("packed-tars") { bytes in
            let reader = try TarReader(BytesSource(bytes), name: "it", limit: .small)
            while try reader.next() != nil { _ = try reader.body().drain() }
        },
        FuzzTarget("foreign-files") { bytes in
            let file = try UnnamedFile(bytes)
            defer { withExtendedLifetime(file) {} }
            // What holds no store is looked at for what it is instead.
            _ = try StoreSource(StreamedTree(OpenFile(reading: file.path), TreeOptions(inflation: .small))).listAll()
        },
        FuzzTarget("text-files") { bytes in
            let text = try TextFile.decoded(bytes, name: "it")
            try promise("lines end in one way", !text.contains(UInt8(ascii: "\r")) && !text.contains(0))
        },
        FuzzTarget("gzip") { bytes in
            func inflate(_ source: InflatingSource) throws -> [UInt8] { try source.readAll(limit: 8 << 20, name: "it") }
            let own = Result {
                try inflate(InflatingSource(BytesSource(bytes), format: .gzip, limit: .small, name: "it"))
            }
            let other = Result {
                try inflate(
                    InflatingSource(BytesSource(bytes), inflater: ZlibInflater(), limit: .small, name: "it"))
            }
            try promise("ISA-L and zlib inflate to the same", (try? own.get()) == (try? other.get()))
        },
        FuzzTarget("zstd") { bytes in
            _ = try InflatingSource(BytesSource(bytes), format: .zstd, limit: .small, name: "it").drain()
        },
    ]
}

/// A file that is gone with whoever has it.
private final class UnnamedFile {
    private let descriptor: Int32
    var path: String { "/proc/self/fd/\(descriptor)" }

    init(_ bytes: [UInt8]) throws {
        var template = Array("/tmp/dray-fuzz-XXXXXX".utf8CString)
        descriptor = try systemCall("make", "a file") { mkstemp(&template) }
        unlink(template)
        try bytes.withUnsafeBytes { try writeAll($0, to: descriptor, path: "a file") }
    }

    deinit { close(descriptor) }
}

import ByteStreams
import FileTrees
import FuzzTargets
import ImageLayouts
import ImageModel
import Testing

/// Inputs as large as they may be, made so that each once took a time that grew with the square of their size, or
/// worse.
struct LargeInputTests {
    struct Input: Sendable, CustomTestStringConvertible {
        var target: String
        var what: String
        var make: @Sendable () -> String

        init(_ target: String, _ what: String, _ make: @escaping @Sendable () -> String) {
            (self.target, self.what, self.make) = (target, what, make)
        }

        var testDescription: String { "\(target): \(what)" }
    }

    private static let digest = Digest(of: []).description

    static let inputs = [
        // The target reads it twice and writes it three times.
        Input("index-files", "empty objects") { #"{"manifests":[{}"# + repeating(",{}", 256 << 10) + "]}" },
        Input("json", "what no decoder expects") { "[false" + repeating(",[],{},false", 1 << 20) + "]" },
        Input("tokens", "lists in a critical extension") {
            let header = #"{"alg":"x","crit":["# + repeating("[[[[]]]],", 47 << 10) + "0]}"
            return Base64.encodeURL(header.utf8) + ".e30.AA"
        },
        Input("schema1", "signatures") {
            let protected = Base64.encodeURL(#"{"formatLength":2000000,"formatTail":"fQ"}"#.utf8)
            return #"{"name":"a","tag":"b","fsLayers":[],"signatures":[{"protected":"\#(protected)"}"#
                + repeating(#",{"protected":"\#(protected)"}"#, 4_000_000) + "]}"
        },
        Input("registries-files", "arrays of tables") { repeating("[[x]]\n", 4_000_000) },
        Input("registries-files", "registries") {
            (0..<60_000).map { "[[registry]]\nprefix='a\($0)'\nlocation='b'\n" }.joined()
        },
        Input("challenges", "scopes") {
            "Bearer scope=\"" + (0..<20_000).map { "\($0):a" }.joined(separator: " ") + "\""
        },
        Input("server-configurations", "a section again and again") {
            "version: 0.1\nstorage: inmemory\n" + repeating("http: {a: }\n", 300_000)
        },
        Input("server-configurations", "headers") {
            "version: 0.1\nstorage: inmemory\nhttp:\n  addr: ':1'\n  headers:\n"
                + (0..<40_000).map { "    h\($0): a\n" }.joined()
        },
        Input("server-configurations", "keys that mean nothing") {
            "version: 0.1\nstorage: inmemory\n" + (0..<40_000).map { "k\($0): 1\n" }.joined()
        },
        Input("environments", "a variable's name") { "LOG" + repeating("_a", 120_000) + "=1" },
        Input("docker-archives", "names of one image") {
            let names = (0..<9000).map { #""a:\#($0)""# }.joined(separator: ",")
            return layout + "\n=== manifest.json\n" + #"[{"Config":"blobs/sha256/#0","RepoTags":[\#(names)]}]"#
        },
        Input("docker-archives", "images of one config") {
            let config = #"{"rootfs":{"diff_ids":["\#(digest)"# + repeating(#"","\#(digest)"#, 2 << 20) + "\"]}}"
            return "=== c\n\(config)\n=== manifest.json\n" + #"[{"Config":"c"}"#
                + repeating(#",{"Config":"c"}"#, 9000 * 15) + "]"
        },
    ]

    /// One image, listed 10,000 times.
    private static let layout: String = {
        let config = #"{"mediaType":"\#(MediaType.ociConfig)","digest":"sha256:#0","size":#s0}"#
        let entries = (0..<10_000).map {
            #"{"digest":"sha256:#1","size":#s1,"annotations":{"org.opencontainers.image.ref.name":"a:\#($0)"}}"#
        }
        return "=== blobs/sha256/#=\n{}\n=== blobs/sha256/#=\n{\"config\":\(config)}\n=== index.json\n"
            + #"{"manifests":[\#(entries.joined(separator: ","))]}"#
    }()

    private static func repeating(_ text: String, _ bytes: Int) -> String {
        String(repeating: text, count: bytes / text.utf8.count)
    }

    @Test(arguments: inputs)
    func takesSecondsAtMost(_ input: Input) throws {
        let target = try #require(FuzzTarget.all.first { $0.name == input.target })
        let bytes = Array(input.make().utf8)
        let taken = try processorTime { try target.run(bytes) }
        // A second on a slow machine; the square of the size took minutes.
        #expect(taken < .seconds(5), "\(bytes.count) bytes")
    }

    /// Each name takes memory. A list of as many as an archive may have comes out of a generator, not out of memory.
    @Test(arguments: [
        ("manifest.json", "[{\"Config\":\"c\",\"RepoTags\":[", "\"a\","), ("manifest.json", "[", "{\"Config\":\"c\"},"),
    ])
    func namesWithoutEndAreRefused(_ file: String, _ start: String, _ part: String) {
        let tree = EndlessTree(path: file, start: start, part: part)
        #expect(
            throws: ImageError.invalidDocument("endless: \(file) has more than 50000 image names, which is the limit")
        ) {
            try DockerArchiveParser(tree: tree, oci: OCISource(tree), limit: .standard).parse()
        }
    }
}

/// A tree of one file, which goes on for as long as somebody reads.
private final class EndlessTree: FileTree {
    let title = "endless"
    let path: String
    private let start: [UInt8]
    private let part: [UInt8]

    init(path: String, start: String, part: String) {
        self.path = path
        self.start = Array(start.utf8)
        self.part = Array(part.utf8)
    }

    private final class Source: ByteSource {
        private var rest: [UInt8]
        private let part: [UInt8]

        init(_ start: [UInt8], _ part: [UInt8]) {
            rest = start
            self.part = part
        }

        func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
            while rest.count < buffer.count { rest += part }
            buffer.copyBytes(from: rest.prefix(buffer.count))
            rest.removeFirst(buffer.count)
            return buffer.count
        }
    }

    func size(of path: String) -> Int64? { path == self.path ? Int64(Document.listSizeLimit) : nil }
    func read(_ path: String, limit: Int) throws -> [UInt8]? { nil }
    func open(_ path: String) -> (any ByteSource)? { path == self.path ? Source(start, part) : nil }
    func list(_ path: String) -> [String]? { [self.path] }
    func resolved(_ path: String) -> String? { path }
    func facts(of path: String) -> FileFacts? { nil }
    func stamp(of path: String) -> String? { nil }
}

import Foundation
import Testing

/// Many ranges of a blob in one request, as podman's partial pulls of zstd:chunked layers ask for them.
struct ManyRangesTests {
    private static let blob: [UInt8] = (0..<2_000_000).map { UInt8(truncatingIfNeeded: $0 * 7 % 251) }
    private static let digest = HTTPResponse(version: "", status: 200, headers: [], body: blob).digest
    private static let path = "/v2/a/blobs/\(digest)"

    private func header(_ ranges: [Range<Int>]) -> [(String, String)] {
        [("Range", "bytes=" + ranges.map { "\($0.lowerBound)-\($0.upperBound - 1)" }.joined(separator: ","))]
    }

    /// The parts of a `multipart/byteranges` answer: place, size of the whole, bytes.
    private func parts(_ answer: HTTPResponse) throws -> [(range: Range<Int>, size: Int, bytes: [UInt8])] {
        let type = try #require(answer["content-type"])
        let boundary = try #require(type.firstMatch(of: /^multipart\/byteranges; *boundary="?([^"]+)"?$/)?.1)
        var rest = answer.body[...]
        func next(_ end: String) throws -> [UInt8] {
            let found = try #require(rest.firstRange(of: Array(end.utf8)), "no \(end)")
            defer { rest = rest[found.upperBound...] }
            return Array(rest[..<found.lowerBound])
        }
        var parts: [(range: Range<Int>, size: Int, bytes: [UInt8])] = []
        #expect(try next("--\(boundary)").isEmpty)
        while rest.starts(with: Array("\r\n".utf8)) {
            let head = String(decoding: try next("\r\n\r\n"), as: UTF8.self)
            let found = try #require(head.firstMatch(of: /(?i)content-range: bytes (\d+)-(\d+)\/(\d+)/), "\(head)")
            let (first, last) = (try #require(Int(found.1)), try #require(Int(found.2)))
            let bytes = Array(rest.prefix(last + 1 - first))
            rest = rest.dropFirst(bytes.count)
            #expect(try next("\r\n--\(boundary)").isEmpty)
            parts.append((first..<last + 1, try #require(Int(found.3)), bytes))
        }
        #expect(rest.elementsEqual("--\r\n".utf8))
        return parts
    }

    @Test(arguments: [2, 33, 200, 1000, 1024]) func eachRangeIsAPart(_ count: Int) throws {
        let server = try Server()
        try server.push(blob: Self.blob, to: "a")
        // Adjacent, overlapping and equal ones among them, not in order: clients count the parts.
        var ranges = (0..<count).map { $0 * 1900..<$0 * 1900 + 1 + $0 % 99 }
        ranges[1] = ranges[0]
        ranges[count - 1] = ranges[0].upperBound..<ranges[0].upperBound + 7
        let answer = try server.get(Self.path, header(ranges.reversed()))
        #expect(answer.status == 206 && answer["content-length"] == "\(answer.body.count)")
        let parts = try parts(answer)
        #expect(parts.map(\.range) == ranges.reversed())
        #expect(parts.allSatisfy { $0.bytes == Array(Self.blob[$0.range]) && $0.size == Self.blob.count })
    }

    @Test func tooManyOrTooMuchIsAnsweredWithTheWhole() throws {
        let server = try Server()
        try server.push(blob: Self.blob, to: "a")
        for ranges in [
            (0..<1025).map { $0 * 1900..<$0 * 1900 + 1 }, (0..<100).map { $0..<Self.blob.count },
            [0..<1_500_000, 0..<1_500_000],
        ] {
            let answer = try server.get(Self.path, header(ranges))
            #expect(answer.status == 200 && answer.body == Self.blob, "\(ranges.count): \(answer.status)")
        }
    }

    @Test func rangesBeyondTheBlobAreIgnored() throws {
        let server = try Server()
        try server.push(blob: Self.blob, to: "a")
        let size = Self.blob.count
        let mixed = try server.get(Self.path, [("Range", "bytes=\(size)-, 0-4, -3, \(size + 5)-\(size + 9)")])
        #expect(try parts(mixed).map(\.range) == [0..<5, size - 3..<size])
        // One that is left is no multipart answer.
        let one = try server.get(Self.path, [("Range", "bytes=\(size)-,10-19")])
        #expect(
            one.status == 206 && one["content-range"] == "bytes 10-19/\(size)" && one.body == Array(Self.blob[10..<20]))
        let none = try server.get(Self.path, [("Range", "bytes=\(size)-,\(size + 10)-")])
        #expect(none.status == 416 && none["content-range"] == "bytes */\(size)")
        #expect(try server.get(Self.path, [("Range", "pages=1-2")]).body == Self.blob)
    }

    @Test func ifRangeDecidesAboutSeveral() throws {
        let server = try Server()
        try server.push(blob: Self.blob, to: "a")
        let ranges = header([5..<6, 9..<12])
        #expect(try server.get(Self.path, ranges + [("If-Range", "\"\(Self.digest)\"")]).status == 206)
        for other in ["\"other\"", "W/\"\(Self.digest)\"", "Wed, 21 Oct 2015 07:28:00 GMT"] {
            let answer = try server.get(Self.path, ranges + [("If-Range", other)])
            #expect(answer.status == 200 && answer.body == Self.blob, "\(other)")
        }
    }

    /// Over TLS, bytes do not go from the file to the socket by themselves.
    @Test func rangesWorkOverTLS() throws {
        let scratch = try Scratch()
        try scratch.makeCertificate("server")
        let plain = try Server(in: scratch)
        try plain.push(blob: Self.blob, to: "a")
        let server = try Server(
            .init(http: "tls: {certificate: \(scratch["server.crt"]), key: \(scratch["server.key"])}"), in: scratch)
        let ranges = (0..<1000).map { $0 * 1900..<$0 * 1900 + 50 }
        let list = ranges.map { "\($0.lowerBound)-\($0.upperBound - 1)" }.joined(separator: ",")
        try scratch.write("header = \"Range: bytes=\(list)\"\n", to: "curlrc")
        let body = try Command.shell(
            "curl -sf --cacert \(scratch["server.crt"]) -K \(scratch["curlrc"]) https://\(server.address)\(Self.path)")
        let expected = try plain.get(Self.path, header(ranges)).body
        #expect(body.status == 0 && Array(body.output) == expected)
    }

    /// A compressed archive is read from its beginning: several ranges would read it several times.
    @Test(arguments: [(false, 206), (true, 200)])
    func compressedArchivesAreSentWhole(_ isCompressed: Bool, _ status: Int) throws {
        let scratch = try Scratch()
        var archive = try Samples.archive(scratch, mebibytes: 1)
        if isCompressed {
            try Command.shell("gzip \(archive)")
            archive += ".gz"
        }
        let server = try Server(serving: [archive], in: scratch)
        let manifest = try server.get("/v2/sample/app/manifests/1.0").object
        let layers = try #require(manifest["layers"] as? [[String: Any]])
        let digest = try #require(layers.first?["digest"] as? String)
        let path = "/v2/sample/app/blobs/\(digest)"
        let whole = try server.get(path).body
        #expect(try server.get(path, header([5..<10])).body == Array(whole[5..<10]))
        let answer = try server.get(path, header([5..<10, 20..<30]))
        #expect(answer.status == status)
        if isCompressed {
            #expect(answer.body == whole)
        } else {
            #expect(try parts(answer).map(\.bytes) == [Array(whole[5..<10]), Array(whole[20..<30])])
        }
    }

    /// An archive that is compressed as a whole is inflated once for a blob, and not at all for its size.
    @Test func aCompressedArchiveIsInflatedOnceForARequest() throws {
        let scratch = try Scratch()
        let archive = try Samples.archive(scratch, mebibytes: 8)
        try Command.shell("gzip -1 \(archive)")
        let server = try Server(serving: ["\(archive).gz"], in: scratch)
        let manifest = try server.get("/v2/sample/app/manifests/1.0")
        let layer = try #require(manifest.text.matches(of: /"digest":"(sha256:[0-9a-f]+)"/).last?.1)
        let path = "/v2/sample/app/blobs/\(layer)"
        let size = try #require(FileManager.default.attributesOfItem(atPath: "\(archive).gz")[.size] as? Int)

        /// Bytes that the server reads for a request, of its socket too.
        func reads(_ body: () throws -> Void) throws -> Int {
            let before = try server.bytesRead()
            try body()
            return try server.bytesRead() - before
        }
        let blob = try server.get(path).body
        let ranges = (0..<32).map { $0 * 10_000..<$0 * 10_000 + 10 }
        let many = try reads {
            let answer = try server.get(path, header(ranges))
            #expect(answer.status == 200 && answer.body == blob)
        }
        let one = try reads {
            let answer = try server.get(path, header([1000..<1010]))
            #expect(answer.status == 206 && answer.body == Array(blob[1000..<1010]))
        }
        let none = try reads {
            let head = try server.head(path)
            let unchanged = try server.get(path, [("If-None-Match", "\"\(layer)\"")])
            #expect(head["content-length"] == "\(blob.count)" && unchanged.status == 304)
        }
        #expect(many < size * 3 / 2 && one < size * 3 / 2 && none < size / 8, "\(many), \(one), \(none) of \(size)")
    }
}

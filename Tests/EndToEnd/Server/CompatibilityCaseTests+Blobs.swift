import Foundation
import Testing

/// Reading blobs: cases 27 to 30.
extension CompatibilityCaseTests {
    private static var blob: String { "/v2/library/hello/blobs/\(TinyImage.hello.layerDigest)" }

    @Test func case27HeadOfABlob() throws {
        let server = try Server.withHello()
        let digest = TinyImage.hello.layerDigest
        for method in ["HEAD", "GET"] {
            let answer = try server.request(method, Self.blob)
            #expect(answer.status == 200 && answer["content-length"] == "108")
            #expect(answer.body == (method == "GET" ? TinyImage.hello.layer : []))
            #expect(answer["accept-ranges"] == "bytes" && answer["cache-control"] == "max-age=31536000")
            #expect(answer["content-type"] == "application/octet-stream")
            #expect(answer["docker-content-digest"] == digest && answer["etag"] == "\"\(digest)\"")
            #expect(answer["docker-distribution-api-version"] == "registry/2.0")
            #expect(try server.request(method, Self.blob, [("If-None-Match", "\"\(digest)\"")]).status == 304)
        }
    }

    @Test(arguments: [("0-9", 0, 9), ("100-", 100, 107), ("-5", 103, 107), ("0-500", 0, 107), ("107-107", 107, 107)])
    func case28Ranges(_ range: String, _ first: Int, _ last: Int) throws {
        let server = try Server.withHello()
        for method in ["GET", "HEAD"] {
            let answer = try server.request(method, Self.blob, [("Range", "bytes=\(range)")])
            #expect(answer.status == 206 && answer["content-range"] == "bytes \(first)-\(last)/108")
            #expect(answer["content-length"] == "\(last - first + 1)")
            #expect(answer.body == (method == "GET" ? Array(TinyImage.hello.layer[first...last]) : []))
        }
    }

    @Test func case28SeveralRanges() throws {
        let answer = try Server.withHello().get(Self.blob, [("Range", "bytes=0-1,5-6")])
        let layer = TinyImage.hello.layer
        #expect(answer.status == 206)
        let type = try #require(answer["content-type"])
        let boundary = try #require(type.firstMatch(of: /^multipart\/byteranges; *boundary="?([^"]+)"?$/)?.1)
        #expect(answer["content-length"] == "\(answer.body.count)")
        let parts = answer.text.split(separator: "--\(boundary)")
        #expect(parts.count == 3 && parts.last?.hasPrefix("--") == true, "\(answer.text)")
        for (part, range) in zip(parts, [0...1, 5...6]) {
            let text = String(decoding: layer[range], as: UTF8.self)
            #expect(part.hasSuffix("\r\n\r\n\(text)\r\n"))
            let line = "content-range: bytes \(range.lowerBound)-\(range.upperBound)/108"
            #expect(part.lowercased().contains(line))
        }
    }

    @Test func case29RangesThatCannotBe() throws {
        let server = try Server.withHello()
        try unlikeTheOriginal("sends a wrong length, and less than it") {
            let answer = try server.get(Self.blob, [("Range", "bytes=108-")])
            #expect(answer.status == 416 && answer["content-range"] == "bytes */108")
            #expect(answer["content-length"] == "\(answer.body.count)" || answer["content-length"] == nil)
        }
        // Nonsense may be refused or overlooked.
        let head = try server.head(Self.blob, [("Range", "foo")])
        #expect([416, 200].contains(head.status))
    }

    @Test func case30BlobsOfOthersAndBadDigests() throws {
        let server = try Server.withHello()
        try server.push(TinyImage("other"), to: "m/t", as: "1")
        let digest = TinyImage.hello.layerDigest
        for method in ["GET", "HEAD"] {
            #expect(try server.request(method, "/v2/m/t/blobs/\(digest)").status == 404)
        }
        let unknown = try server.get("/v2/m/t/blobs/\(digest)")
        expect(unknown, 404, "BLOB_UNKNOWN")
        #expect(unknown.errors.first?["detail"] as? String == digest)
        #expect(unknown.errors.first?["message"] as? String == "blob unknown to registry")
        for bad in ["sha256:abc", "md5:d41d8cd98f00b204e9800998ecf8427e"] {
            expect(try server.get("/v2/library/hello/blobs/\(bad)"), 400, "DIGEST_INVALID")
        }
    }
}

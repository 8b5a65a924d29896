import Foundation
import Testing

/// A registry that is another one's cache.
struct CacheTests {
    private func cache(of upstream: some Served, _ more: String = "", in scratch: Scratch) throws -> Server {
        try Server(
            .init(top: "proxy: {remoteurl: 'http://\(upstream.address)'\(more)}"), in: scratch,
            root: scratch["cache"])
    }

    @Test func whatWasAskedForStaysWhenTheOtherOneIsGone() throws {
        let scratch = try Scratch()
        let upstream = try Server.withHello(in: scratch)
        let cache = try cache(of: upstream, in: scratch)
        let image = TinyImage.hello
        try upstream.push(TinyImage("unasked"), to: "library/hello", as: "unasked")
        let tagged = try cache.get("/v2/library/hello/manifests/latest")
        #expect(tagged.status == 200 && tagged.body == image.manifest)
        for digest in [image.layerDigest, image.configDigest] {
            #expect(try cache.get("/v2/library/hello/blobs/\(digest)").status == 200)
        }
        #expect(try cache.get("/v2/library/hello/tags/list").text.contains("unasked"))
        #expect(try cache.get("/v2/library/hello/manifests/nope").status == 404)
        #expect(try cache.get("/v2/nope/manifests/latest").status == 404)
        upstream.stop()
        #expect(try cache.get("/v2/library/hello/manifests/latest").body == image.manifest)
        #expect(try cache.get("/v2/library/hello/manifests/\(image.digest)").body == image.manifest)
        #expect(try cache.get("/v2/library/hello/blobs/\(image.layerDigest)").body == image.layer)
        #expect(try cache.get("/v2/library/hello/blobs/\(TinyImage("unasked").layerDigest)").status >= 400)
        #expect(cache.log.contains("upstream is failing"))
    }

    /// What is cached can be copied, verified and backed up, and quickly.
    @Test func everyCommandReadsACacheWhoseUpstreamIsGone() throws {
        let scratch = try Scratch()
        let upstream = try Server.withHello(in: scratch)
        let cache = try cache(of: upstream, ", checkinterval: 0", in: scratch)
        let image = "docker://\(cache.address)/library/hello"
        try Command.succeed("copy", "\(image):latest", "oci:\(scratch["before"])")
        upstream.stop()
        let start = ContinuousClock.now
        for source in ["\(image):latest", "\(image)@\(TinyImage.hello.digest)"] {
            try Command.succeed("copy", source, "oci:\(scratch["after-\(source.contains("@"))"])")
        }
        try Command.succeed("verify", "\(image):latest")
        try Command.succeed("backup", "\(image):latest", scratch["backup"])
        #expect(ContinuousClock.now - start < .seconds(15))
        let held = try cache.get("/v2/library/hello/referrers/\(TinyImage.hello.digest)")
        #expect(held.status == 200 && held.text.hasPrefix("{\"manifests\":[],"), "\(held.text)")
        #expect(held["content-type"] == "application/vnd.oci.image.index.v1+json" && held["link"] == nil)
        // Of what is not here, nothing is said.
        #expect(try cache.get("/v2/library/hello/referrers/\(TinyImage("other").digest)").status == 502)
        #expect(try cache.get("/v2/other/referrers/\(TinyImage.hello.digest)").status == 502)
    }

    /// Referrers of the upstream come in the same pages as there, and those that are cached are still there without it.
    @Test func referrersComeInPages() throws {
        let scratch = try Scratch()
        let upstream = try Server.withHello(in: scratch)
        let cache = try cache(of: upstream, in: scratch)
        let subject = "{\"mediaType\":\"\(TinyImage.docker)\",\"digest\":\"\(TinyImage.hello.digest)\",\"size\":1}"
        let config =
            "{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\"\(TinyImage.hello.configDigest)\",\"size\":\(TinyImage.hello.config.count)}"
        for number in 0..<5 {
            let text = """
                {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",\
                "artifactType":"x/\(number % 2)","config":\(config),"layers":[],"subject":\(subject),\
                "annotations":{"n":"\(number)"}}
                """
            let put = try upstream.put(
                Array(text.utf8), "application/vnd.oci.image.manifest.v1+json", as: "r\(number)", in: "library/hello")
            #expect(put.status == 201, "\(put.text)")
        }
        let path = "/v2/library/hello/referrers/\(TinyImage.hello.digest)"
        for query in ["", "?n=2", "?n=2&artifactType=x/0", "?artifactType=x/1"] {
            var next: String? = path + query
            var pages = 0
            while let page = next {
                let (found, expected) = (try cache.get(page), try upstream.get(page))
                #expect(found.text == expected.text && found["link"] == expected["link"], "\(page)")
                next = found["link"].flatMap { $0.firstMatch(of: /<([^>]*)>/).map { String($0.1) } }
                pages += 1
            }
            #expect(pages == (query.hasPrefix("?n=2") ? (query == "?n=2" ? 3 : 2) : 1))
        }
        #expect(try cache.get("/v2/library/hello/manifests/r3").status == 200)
        upstream.stop()
        #expect(try cache.get(path).text.contains("\"n\":\"3\""))
    }

    @Test func aTagThatMovesIsFollowed() throws {
        let scratch = try Scratch()
        let upstream = try Server.withHello(in: scratch)
        let cache = try cache(of: upstream, ", checkinterval: 0", in: scratch)
        #expect(try cache.get("/v2/library/hello/manifests/latest").body == TinyImage.hello.manifest)
        let next = TinyImage("next")
        try upstream.push(next, to: "library/hello", as: "latest")
        #expect(try cache.get("/v2/library/hello/manifests/latest").body == next.manifest)
    }

    @Test func nothingCanBePushed() throws {
        let scratch = try Scratch()
        let upstream = try Server.withHello(in: scratch)
        let cache = try cache(of: upstream, in: scratch)
        #expect(try cache.request("POST", "/v2/a/blobs/uploads/").status == 405)
        #expect(try cache.put(TinyImage.hello.manifest, TinyImage.docker, as: "1", in: "a").status == 405)
        #expect(try cache.delete("/v2/library/hello/manifests/\(TinyImage.hello.digest)").status == 405)
    }

    @Test func skopeoPullsThroughTheOriginalToo() async throws {
        let scratch = try Scratch()
        try FileManager.default.createDirectory(atPath: scratch["root"], withIntermediateDirectories: true)
        let archive = try Samples.archive(scratch)
        let upstream = try await Registry(serving: scratch["root"], scratch: scratch)
        try Command.succeed("copy", archive, "docker://\(upstream.address)/team/app:1")
        let cache = try Server(
            .init(top: "proxy: {remoteurl: 'http://\(upstream.address)'}"), in: scratch, root: scratch["cache"])
        for number in 1...2 {
            let pull = try Command.run(
                "/usr/bin/skopeo",
                [
                    "copy", "-q", "--src-tls-verify=false", "docker://\(cache.address)/team/app:1",
                    "dir:\(scratch["pulled-\(number)"])",
                ])
            #expect(pull.status == 0, "\(pull.errors)")
        }
        #expect(
            try Command.succeed("digest", "dir:\(scratch["pulled-2"])").text
                == Command.succeed("digest", "docker://\(upstream.address)/team/app:1").text)
    }

    /// Everybody gets the blob while it comes, and it is fetched once.
    @Test func manyWhoAskAtOnceShareOneFetch() async throws {
        let scratch = try Scratch()
        let upstream = try Server(in: scratch)
        let image = TinyImage("large", layer: [UInt8](repeating: 7, count: 8 << 20))
        try upstream.push(image, to: "a", as: "1")
        let server = try cache(of: upstream, in: scratch)
        defer { withExtendedLifetime(server) {} }
        let cache = Endpoint(server)
        let answers = try await withThrowingTaskGroup(of: [UInt8].self) { group in
            for _ in 0..<8 { group.addTask { try cache.get("/v2/a/blobs/\(image.layerDigest)").body } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.allSatisfy { $0 == image.layer })
        let fetches = upstream.accessLog.split(separator: "\n").filter {
            $0.contains("GET /v2/a/blobs/\(image.layerDigest)")
        }
        #expect(fetches.count == 1)
    }
}

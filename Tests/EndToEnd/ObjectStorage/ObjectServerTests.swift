import ByteStreams
import Foundation
import ImageModel
import ObjectStorage
import Testing

/// The client against S3 servers of other projects.
@Suite(.serialized)
struct ObjectServerTests {
    @Test(arguments: S3Server.Kind.installed) func worksWith(_ kind: S3Server.Kind) async throws {
        let scratch = try Scratch()
        let server = try S3Server(kind, scratch: scratch)
        let bucket = try Bucket(server.options())
        let steps: [(name: String, check: () async throws -> Void)] = [
            ("buckets", { try await checkBuckets(server, bucket) }), ("objects", { try await checkObjects(bucket) }),
            ("listings", { try await checkListings(bucket) }), ("writers", { try await checkWriters(server) }),
            ("uploads", { try await checkUploads(server) }), ("copies", { try await checkCopies(server) }),
            ("conditions", { try await checkConditions(kind, bucket) }), ("URLs", { try await checkURLs(bucket) }),
            ("refusals", { try await checkRefusals(server) }), ("host style", { try await checkHostStyle(server) }),
        ]
        for step in steps {
            let start = ContinuousClock.now
            try await step.check()
            print("\(kind), \(step.name): \(ContinuousClock.now - start)")
        }
    }

    private func checkBuckets(_ server: S3Server, _ bucket: Bucket) async throws {
        await #expect {
            try await bucket.check()
        } throws: {
            ($0 as? ImageError)?.code == .notFound && "\($0)".contains("images")
        }
        try await bucket.create()
        try await bucket.check()
        let versioning = try await bucket.versioning()
        #expect(versioning == .off || versioning == .unknown)
        #expect(try await bucket.objectLock() != true)
    }

    private func checkObjects(_ bucket: Bucket) async throws {
        for key in ["a/b", "a", "x y+z%20&<>\"'/é🙂", "_layers/=/~", "a/b/c"] {
            #expect(try await bucket.head(key) == nil)
            #expect(try await bucket.bytes(key, limit: 10) == nil)
            #expect(try await bucket.get(key) == nil)
            let content = Array("content of \(key)".utf8)
            try await bucket.put(key, content)
            let info = try #require(try await bucket.head(key))
            #expect(info.size == content.count && info.etag != nil)
            #expect(abs((info.lastModified ?? 0) - bucket.now) < 60)
            #expect(try await bucket.bytes(key, limit: 100) == content)
            await #expect(throws: ImageError.self) { try await bucket.bytes(key, limit: 5) }
            let part = try #require(try await bucket.get(key, range: 3..<7))
            #expect(part.length == 4 && part.info.size == content.count)
            #expect(try part.readAll(limit: 100, name: key) == Array(content[3..<7]))
            let rest = try #require(try await bucket.get(key, range: 3..<1000))
            #expect(try rest.readAll(limit: 100, name: key) == Array(content[3...]))
            await #expect(throws: ImageError.self) { try await bucket.get(key, range: 1000..<1001) }
        }
        try await bucket.put("empty", [])
        #expect(try await bucket.bytes("empty", limit: 0) == [])
        let empty = try #require(try await bucket.get("empty"))
        #expect(try empty.readAll(limit: 0, name: "empty") == [])
        try await bucket.delete(["a/b", "a", "x y+z%20&<>\"'/é🙂", "_layers/=/~", "a/b/c", "missing"])
        try await bucket.delete("empty")
        try await bucket.delete("empty")
        #expect(try await keys(bucket, "") == [])
    }

    private func keys(_ bucket: Bucket, _ prefix: String) async throws -> [String] {
        var keys: [String] = []
        for try await page in bucket.list(prefix: prefix, pageSize: 10) { keys += page.objects.map(\.key) }
        return keys.sorted()
    }

    private func checkListings(_ bucket: Bucket) async throws {
        let names = (0..<25).map { "list/repo \($0 / 5)/_layers/\($0)" } + ["listed"]
        for name in names { try await bucket.put(name, [1]) }
        #expect(try await keys(bucket, "list/") == names.dropLast().sorted())
        #expect(try await keys(bucket, "nothing/") == [])
        var prefixes: [String] = []
        for try await page in bucket.list(prefix: "list/", delimiter: "/_", pageSize: 2) {
            #expect(page.objects.isEmpty && page.prefixes.count <= 2)
            prefixes += page.prefixes
        }
        #expect(prefixes.sorted() == (0..<5).map { "list/repo \($0)/_" })
        try await bucket.delete(names)
        #expect(try await keys(bucket, "list") == [])
    }

    private func checkWriters(_ server: S3Server) async throws {
        var options = server.options()
        options.partSize = 5 << 20
        let bucket = try Bucket(options)
        for (size, expected) in [
            (0, nil), (1000, nil), (5 << 20, nil), (5 << 20 + 1, nil), (33 << 20, Int64(33 << 20)),
        ] {
            try await Workers.blobs.run {
                let writer = bucket.writer("written", expectedSize: expected)
                for start in stride(from: 0, to: size, by: 300_000) {
                    try writer.write(Pattern.bytes(start..<min(size, start + 300_000)))
                }
                try writer.commit()
                #expect(try bucket.wait { try await $0.head("written") }?.size == Int64(size))
                let content = try #require(try bucket.wait { try await $0.get("written") })
                #expect(try content.readAll(limit: size, expected: size, name: "written") == Pattern.bytes(0..<size))
            }
        }
        try await Workers.blobs.run {
            let writer = bucket.writer("dropped")
            try writer.write(Pattern.bytes(0..<11 << 20))
            writer.abort()
            #expect(throws: ImageError.self) { try writer.write([1]) }
        }
        #expect(try await bucket.head("dropped") == nil)
        try await bucket.unfinishedUploads(prefix: "") { #expect($0.isEmpty) }
        try await bucket.delete("written")
    }

    private func checkUploads(_ server: S3Server) async throws {
        let bucket = try Bucket(server.options())
        let upload = try await bucket.startUpload("uploads/a b")
        let first = try await upload.put(1, Pattern.bytes(0..<5 << 20))
        #expect(try await bucket.head(upload.key) == nil)
        var found: [UnfinishedUpload] = []
        try await bucket.unfinishedUploads(prefix: "uploads/") { found += $0 }
        #expect(found.map(\.key) == ["uploads/a b"])
        // Another process goes on.
        let resumed = try Bucket(server.options()).upload("uploads/a b", id: found[0].id)
        #expect(try await resumed.parts() == [first])
        let last = try await resumed.put(3, Array("end".utf8))
        try await resumed.complete([first, last])
        #expect(try await bucket.head(upload.key)?.size == Int64(5 << 20 + 3))
        let stale = try await bucket.startUpload("uploads/stale")
        _ = try await stale.put(1, [1])
        #expect(try await bucket.abortUploads(prefix: "uploads/", before: bucket.now - 3600) == 0)
        #expect(try await bucket.abortUploads(prefix: "uploads/", before: bucket.now + 3600) == 1)
        try await stale.abort()
        await #expect(throws: ImageError.self) { try await stale.complete([first]) }
        try await bucket.delete("uploads/a b")
    }

    private func checkCopies(_ server: S3Server) async throws {
        var options = server.options()
        options.partSize = 5 << 20
        options.copyPartSize = 5 << 20
        let size = 12 << 20
        for threshold in [Int64(5 << 30), 5 << 20] {
            options.copyThreshold = threshold
            let bucket = try Bucket(options)
            try await bucket.put("from here", Pattern.bytes(0..<size))
            try await bucket.copy("from here", to: "to/there", size: Int64(size))
            try await Workers.blobs.run {
                let content = try #require(try bucket.wait { try await $0.get("to/there") })
                #expect(try content.readAll(limit: size, expected: size, name: "copy") == Pattern.bytes(0..<size))
            }
            await #expect {
                try await bucket.copy("missing", to: "to/nothing", size: Int64(size))
            } throws: {
                ($0 as? ImageError)?.code == .notFound
            }
            try await bucket.delete(["from here", "to/there"])
            try await bucket.unfinishedUploads(prefix: "") { #expect($0.isEmpty) }
        }
    }

    private func checkConditions(_ kind: S3Server.Kind, _ bucket: Bucket) async throws {
        #expect(try await bucket.probeIfAbsent(prefix: "locks/") == kind.honoursIfAbsent)
        #expect(try await keys(bucket, "locks/") == [])
        guard kind.honoursIfAbsent else {
            await #expect(throws: ImageError.self) { try await bucket.put(ifAbsent: "lock", [1]) }
            return
        }
        #expect(try await bucket.put(ifAbsent: "lock", [1]) == .written)
        #expect(try await bucket.put(ifAbsent: "lock", [2]) == .exists)
        #expect(try await bucket.bytes("lock", limit: 1) == [1])
        try await bucket.delete("lock")
    }

    private func checkURLs(_ bucket: Bucket) async throws {
        try await bucket.put("shared/é +", Array("hello".utf8))
        let url = try await bucket.presignedURL(
            "shared/é +", validity: 60, responseHeaders: [("content-type", "text/x-test")])
        let answer = try Command.run("curl", ["-s", "-w", "|%{http_code}|%{content_type}", url])
        #expect(answer.text == "hello|200|text/x-test")
        let other = try Command.run("curl", ["-s", "-o", "/dev/null", "-w", "%{http_code}", "\(url)0"])
        #expect(other.text == "403")
        try await bucket.delete("shared/é +")
    }

    private func checkRefusals(_ server: S3Server) async throws {
        var options = server.options()
        options.keys?.secret = "another-secret"
        let wrongSecret = try Bucket(options)
        options.keys?.id = "nobody"
        let wrongKey = try Bucket(options)
        for bucket in [wrongSecret, wrongKey] {
            await #expect {
                try await bucket.put("a", [1])
            } throws: { error in
                let text = "\(error)"
                return (error as? ImageError)?.code == .unauthorised && text.hasPrefix("s3://images/a: cannot write: ")
                    && !text.contains("another-secret") && (text.contains("; check the ") || text.contains("; grant "))
            }
            await #expect {
                _ = try await bucket.head("a")
            } throws: {
                ($0 as? ImageError)?.code == .unauthorised
            }
        }
    }

    private func checkHostStyle(_ server: S3Server) async throws {
        var options = server.options()
        options.endpoint = "http://s3.localhost:\(server.port)"
        options.usesPathStyle = false
        options.network.addresses = ["images.s3.localhost": "127.0.0.1"]
        let bucket = try Bucket(options)
        try await bucket.check()
        try await bucket.put("host style/a", [1])
        #expect(try await bucket.bytes("host style/a", limit: 1) == [1])
        #expect(try await keys(bucket, "host") == ["host style/a"])
        try await bucket.delete("host style/a")
    }
}

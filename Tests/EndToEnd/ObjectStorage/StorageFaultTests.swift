import ByteStreams
import Foundation
import ImageModel
import ObjectStorage
import Synchronization
import Testing

/// Reads and listings of a server that misbehaves.
struct StorageFaultTests {
    private let server: ScriptedBucket
    private let bucket: Bucket

    init() throws {
        server = try ScriptedBucket()
        bucket = try server.bucket()
    }

    @Test(arguments: ["slow-down", "reset", "bare-503", "lost", "delay", "bad-digest"])
    func temporaryFailuresAreRetried(_ fault: String) async throws {
        for method in fault == "bad-digest" ? ["PUT"] : ["PUT", "HEAD", "GET", "DELETE"] {
            try server.fail(fault, times: 3, method: method)
            try await bucket.put("a", [1, 2])
            #expect(try await bucket.head("a")?.size == 2)
            #expect(try await bucket.bytes("a", limit: 2) == [1, 2])
            try await bucket.delete("a")
        }
    }

    @Test func retriesEndAtTheirLimit() async throws {
        let remarks = Mutex(0)
        let bucket = try server.bucket {
            $0.retry.times = 3
            $0.remark = { _ in remarks.withLock { $0 += 1 } }
        }
        try server.fail("slow-down", times: 100)
        await expectError(.service, "s3://images/a: cannot read: SlowDown", "retry later") {
            _ = try await bucket.bytes("a", limit: 1)
        }
        #expect(remarks.withLock { $0 } == 3)
        #expect(try server.requests.count == 4)
    }

    @Test(arguments: [
        ("denied", ImageError.Code.unauthorised, "AccessDenied", "grant s3:PutObject"),
        ("no-bucket", .notFound, "NoSuchBucket", "create the bucket"),
        ("bad-signature", .unauthorised, "SignatureDoesNotMatch", "check the secret key, and the clock"),
        ("bad-key", .unauthorised, "InvalidAccessKeyId", "check the access key"),
        ("moved", .usage, "PermanentRedirect", "set the region to eu-central-1"),
        ("full", .service, "QuotaExceeded", "free space"),
    ])
    func refusalsNameTheNextStep(_ fault: String, _ code: ImageError.Code, _ name: String, _ step: String) async throws
    {
        try server.fail(fault, times: 100)
        await expectError(code, "s3://images/a: cannot write: \(name)", step) { try await bucket.put("a", [1]) }
        await expectError(code, "cannot read: \(name)") { _ = try await bucket.bytes("a", limit: 1) }
        // An answer to HEAD has no reason, so that it is asked for; a missing object and a missing bucket look the same.
        guard code != .notFound, code != .service else { return }
        await expectError(code, "cannot read: \(name)") { _ = try await bucket.head("a") }
    }

    @Test func aWrongClockIsCorrected() async throws {
        try server.fail("skew", times: 7200)
        try await bucket.put("a", [1])
        #expect(try await bucket.head("a")?.size == 1)
        #expect(abs(bucket.now - Int(Date().timeIntervalSince1970) - 7200) < 5)
    }

    @Test func expiredKeysAreReplacedOnce() async throws {
        try server.fail("expired")
        try await bucket.put("a", [1])
        try server.fail("expired", times: 2)
        await expectError(.unauthorised, "ExpiredToken", "get new temporary credentials") {
            try await bucket.put("a", [1])
        }
    }

    @Test(arguments: ["bomb", "deep", "not-xml", "cut-xml", "stray-key", "no-token", "same-page", "huge"])
    func lyingListingsAreRefused(_ fault: String) async throws {
        let bucket = try server.bucket { $0.retry.times = 2 }
        try server.fail(fault, times: 100)
        await expectError(.service, "cannot list") {
            for try await _ in bucket.list(prefix: "p/") {}
        }
    }

    @Test(arguments: ["bomb", "not-xml"]) func garbledListingsAreRetried(_ fault: String) async throws {
        try await bucket.put("p/a", [1])
        try server.fail(fault)
        #expect(try await bucket.page(prefix: "p/").objects.map(\.key) == ["p/a"])
    }

    @Test func brokenDownloadsAreResumed() async throws {
        let content = Pattern.bytes(0..<5_000_000)
        try await bucket.put("a", content)
        try server.fail("cut", times: 4)
        try await Workers.blobs.run { [bucket] in
            let source = try #require(try bucket.wait { try await $0.get("a") })
            #expect(try source.readAll(limit: content.count, name: "a") == content)
            let part = try #require(try bucket.wait { try await $0.get("a", range: 1_000_000..<4_000_000) })
            #expect(try part.readAll(limit: content.count, name: "a") == Array(content[1_000_000..<4_000_000]))
        }
        #expect(try server.requests.count { $0.method == "GET" && $0.headers["range"] != nil } >= 4)
    }

    /// - Parameter fault: of the second request, after the first was cut off.
    @Test(arguments: ["replaced", "other-range", "no-ranges", "cut", "denied"])
    func truncatedDownloadsAreErrors(_ fault: String) async throws {
        let bucket = try server.bucket { $0.retry.times = 2 }
        try await bucket.put("a", Pattern.bytes(0..<100_000))
        try server.fail("cut", times: fault == "cut" ? 100 : 1)
        let source = try #require(try await bucket.get("a"))
        if fault != "cut" { try server.fail(fault, times: 100) }
        await expectError(nil, "s3://images/a: ") {
            _ = try await Workers.blobs.run { [source = Handover(source)] in
                try source.value.readAll(limit: 1 << 20, name: "a")
            }
        }
    }

    @Test func answersWithoutALengthAreRefused() async throws {
        let bucket = try server.bucket { $0.retry.times = 1 }
        try await bucket.put("a", Pattern.bytes(0..<100_000))
        try server.fail("no-length", times: 100)
        await expectError(.service, "no Content-Length") { _ = try await bucket.get("a") }
        await expectError(.service) { _ = try await bucket.bytes("a", limit: 100_000) }
    }

    @Test func silentServersAreGivenUp() async throws {
        let bucket = try server.bucket {
            $0.network.timeout = .milliseconds(300)
            $0.retry.times = 1
        }
        try server.fail("stall", times: 2)
        await expectError(.service, "no answer in time") { _ = try await bucket.head("a") }
    }

    @Test func callsAreCancelled() async throws {
        try server.fail("stall")
        let task = Task { [bucket] in try await bucket.head("a") }
        try await server.arrival()
        task.cancel()
        // A call that is not cancelled ends with an error of the service.
        await #expect(throws: CancellationError.self) { _ = try await task.value }
    }

    @Test func unreachableServersAreNamed() async throws {
        var options = server.options
        options.endpoint = "http://127.0.0.1:1"
        options.retry.times = 1
        let bucket = try Bucket(options)
        await expectError(.service, "http://127.0.0.1:1: connection refused", "check the endpoint") {
            _ = try await bucket.head("a")
        }
        options.endpoint = "https://127.0.0.1:\(server.endpoint.split(separator: ":")[2])"
        let encrypted = try Bucket(options)
        await expectError(.service, "plain HTTP") { _ = try await encrypted.head("a") }
    }
}

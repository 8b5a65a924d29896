import ByteStreams
import Foundation
import ImageModel
import ObjectStorage
import Synchronization
import Testing

/// The client against a server that misbehaves.
struct StorageFaultTests {
    private let server: ScriptedBucket
    private let bucket: Bucket

    init() throws {
        server = try ScriptedBucket()
        bucket = try server.bucket()
    }

    /// Checks an error's text.
    private func expect(
        _ code: ImageError.Code? = nil, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation,
        _ body: () async throws -> Void
    ) async {
        await #expect(sourceLocation: sourceLocation) {
            try await body()
        } throws: { error in
            let isRight =
                (error as? ImageError).map { code == nil || $0.code == code } == true
                && words.allSatisfy { "\(error)".contains($0) } && !"\(error)".contains("of-the-test")
            if !isRight { print("unexpected: \(error)") }
            return isRight
        }
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
        await expect(.service, "s3://images/a: cannot read: SlowDown", "retry later") {
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
        await expect(code, "s3://images/a: cannot write: \(name)", step) { try await bucket.put("a", [1]) }
        await expect(code, "cannot read: \(name)") { _ = try await bucket.bytes("a", limit: 1) }
        // An answer to HEAD has no reason, so that it is asked for; a missing object and a missing bucket look the same.
        guard code != .notFound, code != .service else { return }
        await expect(code, "cannot read: \(name)") { _ = try await bucket.head("a") }
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
        await expect(.unauthorised, "ExpiredToken", "get new temporary credentials") { try await bucket.put("a", [1]) }
    }

    @Test(arguments: ["bomb", "deep", "not-xml", "cut-xml", "stray-key", "no-token", "same-page", "huge"])
    func lyingListingsAreRefused(_ fault: String) async throws {
        let bucket = try server.bucket { $0.retry.times = 2 }
        try server.fail(fault, times: 100)
        await expect(.service, "cannot list") {
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
        await expect(nil, "s3://images/a: ") {
            _ = try await Workers.blobs.run { [source = Handover(source)] in
                try source.value.readAll(limit: 1 << 20, name: "a")
            }
        }
    }

    @Test func answersWithoutALengthAreRefused() async throws {
        let bucket = try server.bucket { $0.retry.times = 1 }
        try await bucket.put("a", Pattern.bytes(0..<100_000))
        try server.fail("no-length", times: 100)
        await expect(.service, "no Content-Length") { _ = try await bucket.get("a") }
        await expect(.service) { _ = try await bucket.bytes("a", limit: 100_000) }
    }

    @Test(arguments: ["error-200", "lost", "reset", "slow-down"])
    func uploadsSurvive(_ fault: String) async throws {
        let bucket = try server.bucket { $0.partSize = 5 << 20 }
        let size = 12 << 20
        for method in ["POST", "PUT"] where fault != "error-200" || method == "POST" {
            try server.fail(fault, times: 3, method: method)
            try await Workers.blobs.run {
                let writer = bucket.writer("a")
                try writer.write(Pattern.bytes(0..<size))
                try writer.commit()
            }
            #expect(try await bucket.head("a")?.size == Int64(size))
            #expect(try await bucket.bytes("a", limit: size) == Pattern.bytes(0..<size))
        }
    }

    @Test func aLostAnswerToCompleteIsNoFailure() async throws {
        let upload = try await bucket.startUpload("a")
        let part = try await upload.put(1, [1, 2, 3])
        try server.fail("lost", method: "POST")
        try await upload.complete([part])
        #expect(try await bucket.bytes("a", limit: 3) == [1, 2, 3])
        // Without a lost answer, the unknown upload is one.
        await expect(.notFound, "NoSuchUpload") { try await upload.complete([part]) }
        try await bucket.put("a", [9])
    }

    @Test func successWithAnErrorInsideIsAFailure() async throws {
        try await bucket.put("a", [1])
        try server.fail("error-200", method: "PUT")
        try await bucket.copy("a", to: "b", size: 1)
        #expect(try await bucket.head("b") != nil)
        try server.fail("denied-200", times: 100, method: "PUT")
        await expect(.unauthorised, "s3://images/c: cannot copy a to it: AccessDenied") {
            try await bucket.copy("a", to: "c", size: 1)
        }
        try server.fail("denied-200", times: 0)
        let upload = try await bucket.startUpload("d")
        let part = try await upload.put(1, [1])
        try server.fail("denied-200", times: 100, method: "POST")
        await expect(.unauthorised, "AccessDenied") { try await upload.complete([part]) }
        #expect(try await bucket.head("d") == nil)
    }

    @Test func failedUploadsAreAborted() async throws {
        let bucket = try server.bucket {
            $0.partSize = 5 << 20
            $0.retry.times = 1
        }
        try server.fail("full", times: 100, method: "PUT")
        await expect(.service, "QuotaExceeded") {
            try await Workers.blobs.run {
                let writer = bucket.writer("a")
                try writer.write(Pattern.bytes(0..<40 << 20))
                try writer.commit()
            }
        }
        try await Task.sleep(for: .milliseconds(300))
        try await bucket.unfinishedUploads(prefix: "") { #expect($0.isEmpty) }
    }

    @Test func partsAreListedPageByPage() async throws {
        let upload = try await bucket.startUpload("a")
        for number in [5, 1, 3, 9, 7] { _ = try await upload.put(number, [UInt8(number)]) }
        #expect(try await upload.parts().map(\.number) == [1, 3, 5, 7, 9])
    }

    @Test func aLostAnswerToAConditionalWriteIsResolved() async throws {
        try server.fail("lost", method: "PUT")
        #expect(try await bucket.put(ifAbsent: "lock", Array("mine".utf8)) == .written)
        try server.fail("lost", method: "PUT")
        #expect(try await bucket.put(ifAbsent: "lock", Array("theirs".utf8)) == .exists)
    }

    @Test func conditionsAreProbed() async throws {
        #expect(try await bucket.probeIfAbsent(prefix: "locks/"))
        for fault in ["no-conditions", "ignores-conditions"] {
            let bucket = try server.bucket()
            try server.fail(fault, times: 100)
            #expect(try await !bucket.probeIfAbsent(prefix: "locks/"))
            let count = try server.requests.count
            #expect(try await !bucket.probeIfAbsent(prefix: "locks/"))
            await expect(.refused, "does not support conditional writes") {
                _ = try await bucket.put(ifAbsent: "l", [1])
            }
            #expect(try server.requests.count == count)
            try server.fail(fault, times: 0)
        }
    }

    @Test func batchesOfDeletions() async throws {
        for name in ["a", "b", "c"] { try await bucket.put(name, [1]) }
        try server.fail("delete-InternalError")
        try await bucket.delete(["a", "b"])
        #expect(try await bucket.page(prefix: "").objects.map(\.key) == ["c"])
        try server.fail("delete-AccessDenied")
        await expect(.unauthorised, "s3://images/c: cannot delete: AccessDenied", "s3:DeleteObject") {
            try await bucket.delete(["c", "d"])
        }
        try server.fail("no-batches")
        try await bucket.delete(["c", "d"])
        #expect(try await bucket.page(prefix: "").objects.isEmpty)
        try await bucket.delete((0..<1001).map { "key \($0)" } + ["control \u{1}"])
        let batches = try server.requests.filter { $0.query["delete"] != nil }
        #expect(batches.count == 6 && batches.allSatisfy { $0.headers["content-md5"] != nil })
    }

    @Test func requestsHaveTheOptions() async throws {
        let bucket = try server.bucket {
            $0.encryption = .kms(keyID: "key-1")
            $0.storageClass = "STANDARD_IA"
            $0.accessList = "private"
            $0.userAgent = "registry/1"
        }
        try await bucket.put("a", [1])
        _ = try await bucket.startUpload("b")
        try await bucket.copy("a", to: "c", size: 1)
        for request in try server.requests {
            #expect(request.headers["x-amz-server-side-encryption"] == "aws:kms")
            #expect(request.headers["x-amz-server-side-encryption-aws-kms-key-id"] == "key-1")
            #expect(
                request.headers["x-amz-storage-class"] == "STANDARD_IA" && request.headers["x-amz-acl"] == "private")
            #expect(request.headers["user-agent"] == "registry/1")
            #expect(request.headers["x-amz-security-token"] == "token-of-the-test")
        }
        let put = try #require(try server.requests.first)
        #expect(put.headers["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD" && put.headers["content-length"] == "1")
        #expect(put.headers["content-md5"] != nil && put.headers["transfer-encoding"] == nil)
        #expect(try await bucket.versioning() == .enabled)
        #expect(try await bucket.objectLock() == false)
    }

    @Test func silentServersAreGivenUp() async throws {
        let bucket = try server.bucket {
            $0.network.timeout = .milliseconds(300)
            $0.retry.times = 1
        }
        try server.fail("stall", times: 2)
        await expect(.service, "no answer in time") { _ = try await bucket.head("a") }
    }

    @Test func callsAreCancelled() async throws {
        try server.fail("stall")
        let start = ContinuousClock.now
        let task = Task { [bucket] in try await bucket.head("a") }
        try await Task.sleep(for: .milliseconds(200))
        task.cancel()
        await #expect(throws: CancellationError.self) { _ = try await task.value }
        #expect(ContinuousClock.now - start < .seconds(5))
    }

    @Test func unreachableServersAreNamed() async throws {
        var options = server.options
        options.endpoint = "http://127.0.0.1:1"
        options.retry.times = 1
        let bucket = try Bucket(options)
        await expect(.service, "http://127.0.0.1:1: connection refused", "check the endpoint") {
            _ = try await bucket.head("a")
        }
        options.endpoint = "https://127.0.0.1:\(server.endpoint.split(separator: ":")[2])"
        let encrypted = try Bucket(options)
        await expect(.service, "plain HTTP") { _ = try await encrypted.head("a") }
    }
}

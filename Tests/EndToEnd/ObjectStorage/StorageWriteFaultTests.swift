import ByteStreams
import Foundation
import ImageModel
import ObjectStorage
import Testing

/// Writes to a server that misbehaves.
struct StorageWriteFaultTests {
    private let server: ScriptedBucket
    private let bucket: Bucket

    init() throws {
        server = try ScriptedBucket()
        bucket = try server.bucket()
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
        await expectError(.notFound, "NoSuchUpload") { try await upload.complete([part]) }
        try await bucket.put("a", [9])
    }

    @Test func successWithAnErrorInsideIsAFailure() async throws {
        try await bucket.put("a", [1])
        try server.fail("error-200", method: "PUT")
        try await bucket.copy("a", to: "b", size: 1)
        #expect(try await bucket.head("b") != nil)
        try server.fail("denied-200", times: 100, method: "PUT")
        await expectError(.unauthorised, "s3://images/c: cannot copy a to it: AccessDenied") {
            try await bucket.copy("a", to: "c", size: 1)
        }
        try server.fail("denied-200", times: 0)
        let upload = try await bucket.startUpload("d")
        let part = try await upload.put(1, [1])
        try server.fail("denied-200", times: 100, method: "POST")
        await expectError(.unauthorised, "AccessDenied") { try await upload.complete([part]) }
        #expect(try await bucket.head("d") == nil)
    }

    @Test func failedUploadsAreAborted() async throws {
        let bucket = try server.bucket {
            $0.partSize = 5 << 20
            $0.retry.times = 1
        }
        try server.fail("full", times: 100, method: "PUT")
        await expectError(.service, "QuotaExceeded") {
            try await Workers.blobs.run {
                let writer = bucket.writer("a")
                try writer.write(Pattern.bytes(0..<40 << 20))
                try writer.commit()
            }
        }
        // The upload is aborted.
        try await server.arrival { $0.method == "DELETE" }
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
            await expectError(.refused, "does not support conditional writes") {
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
        await expectError(.unauthorised, "s3://images/c: cannot delete: AccessDenied", "s3:DeleteObject") {
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
}

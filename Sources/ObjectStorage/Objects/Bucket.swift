import Dispatch
import ImageModel
import NIOCore
import NIOHTTP1
import Synchronization

/// A bucket of an S3 server.
///
/// Its methods are `async` and respect cancellation. Code on worker threads uses `wait`. Every error is an `ImageError`
/// whose cause is a `StorageRefusal` where the server refused; secrets appear in none.
package final class Bucket: Sendable {
    let sender: RequestSender
    /// Whether the server honours `if-none-match` on PUT; nil until it is known.
    let honoursIfAbsent = Mutex<Bool?>(nil)

    package var name: String { sender.endpoint.bucket }
    /// The endpoint's URL without the bucket.
    package var endpoint: String { sender.endpoint.name }
    package var region: String { sender.endpoint.region }
    /// The server's time in seconds since 1970, as of its latest answer: ages of objects are counted by it.
    package var now: Int { sender.clock.now }
    var options: StorageOptions { sender.options }

    /// Opens a bucket; sends nothing yet.
    ///
    /// - Throws: `ImageError.usage` for settings that cannot be used.
    package convenience init(_ options: StorageOptions) throws { try self.init(RequestSender(options)) }

    init(_ sender: RequestSender) { self.sender = sender }

    /// Runs asynchronous calls from a worker thread, and blocks until they end. Never to be called from a task.
    ///
    ///     let info = try bucket.wait { try await $0.head("key") }
    package func wait<T: Sendable>(_ body: @escaping @Sendable (Bucket) async throws -> T) throws -> T {
        try Blocking.wait { try await body(self) }
    }

    /// Verifies that the bucket is there and that the credentials may list it.
    ///
    /// - Throws: `ImageError`, with the region to use where the bucket is in another one.
    package func check() async throws {
        try await sender.send(
            ObjectRequest(method: .HEAD, permission: "s3:ListBucket", action: "open the bucket"))
    }

    /// Makes the bucket; does nothing if it exists and is the caller's own.
    package func create() async throws {
        var request = ObjectRequest(
            method: .PUT, permission: "s3:CreateBucket", action: "create the bucket", accepts: [409])
        if sender.endpoint.isAWS, region != "us-east-1" {
            request.body = ByteBuffer(
                string: "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                    + "<LocationConstraint>\(region)</LocationConstraint></CreateBucketConfiguration>")
        }
        try await sender.send(request) { answer in
            guard answer.status == 409 else { return try await answer.finish() }
            let refusal = try await answer.refusal()
            guard refusal.code == "BucketAlreadyOwnedByYou" else { throw refusal }
        }
    }

    /// The headers of requests that make objects.
    var objectHeaders: [(name: String, value: String)] {
        var headers = [(name: "content-type", value: "application/octet-stream")]
        switch options.encryption {
        case .aes256: headers.append(("x-amz-server-side-encryption", "AES256"))
        case .kms(let keyID):
            headers.append(("x-amz-server-side-encryption", "aws:kms"))
            if let keyID { headers.append(("x-amz-server-side-encryption-aws-kms-key-id", keyID)) }
        case nil: break
        }
        if let storageClass = options.storageClass { headers.append(("x-amz-storage-class", storageClass)) }
        if let accessList = options.accessList { headers.append(("x-amz-acl", accessList)) }
        return headers
    }
}

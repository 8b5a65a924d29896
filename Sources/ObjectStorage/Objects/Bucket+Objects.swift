import ImageModel
import NIOCore
import NIOHTTP1

extension Bucket {
    /// Looks up an object.
    ///
    /// - Returns: nil if there is none. A missing bucket looks the same here; `check` tells them apart.
    package func head(_ key: String) async throws -> ObjectInfo? {
        let request = ObjectRequest(
            method: .HEAD, key: key, permission: "s3:GetObject", action: "read", accepts: [404])
        return try await sender.send(request) { answer in
            try await answer.finish()
            return answer.status == 404 ? nil : try ObjectInfo(key: key, answer)
        }
    }

    /// Reads a small object.
    ///
    /// - Parameter limit: bytes.
    /// - Returns: nil if there is none.
    /// - Throws: `ImageError.limit` for a larger one.
    package func bytes(_ key: String, limit: Int) async throws -> [UInt8]? {
        let request = ObjectRequest(
            method: .GET, key: key, permission: "s3:GetObject", action: "read", accepts: [404])
        return try await sender.send(request) { answer in
            guard answer.status != 404 else { return try await self.missing(answer) }
            let info = try ObjectInfo(key: key, answer)
            guard info.size <= limit else {
                throw ImageError.limit(
                    "\(self.sender.name(key)): \(ByteCount(info.size)); expected at most \(ByteCount(Int64(limit)))")
            }
            return try await answer.bytes(limit: limit)
        }
    }

    /// Tells a missing object from other things that are not found.
    ///
    /// - Throws: `StorageRefusal` unless the object is missing.
    func missing<T>(_ answer: Answer) async throws -> T? {
        let refusal = try await answer.refusal()
        guard ["NoSuchKey", "NoSuchVersion"].contains(refusal.code) else { throw refusal }
        return nil
    }

    /// Writes a small object in one request.
    package func put(_ key: String, _ bytes: [UInt8]) async throws {
        try await put(key, ByteBuffer(bytes: bytes))
    }

    func put(_ key: String, _ body: ByteBuffer) async throws {
        try await sender.send(putRequest(key, body))
    }

    func putRequest(_ key: String, _ body: ByteBuffer) -> ObjectRequest {
        ObjectRequest(
            method: .PUT, key: key, headers: objectHeaders, body: body, permission: "s3:PutObject", action: "write")
    }

    /// Removes an object; a missing one is no error.
    package func delete(_ key: String) async throws {
        let request = ObjectRequest(
            method: .DELETE, key: key, permission: "s3:DeleteObject", action: "delete", accepts: [404])
        try await sender.send(request) { answer in
            guard answer.status == 404 else { return try await answer.finish() }
            let _: Void? = try await self.missing(answer)
        }
    }
}

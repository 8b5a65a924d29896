import ImageModel
import NIOCore
import NIOHTTP1

extension Bucket {
    /// The most keys that one request deletes. Source: Amazon S3 API Reference, "DeleteObjects".
    private static let batchLimit = 1000

    /// Removes objects, 1,000 a request. Missing ones are no error.
    ///
    /// - Throws: `ImageError` for the first key that could not be removed; those after its batch are not tried.
    package func delete(_ keys: [String]) async throws {
        var rest = keys[...]
        while !rest.isEmpty {
            let batch = Array(rest.prefix(Self.batchLimit))
            rest = rest.dropFirst(batch.count)
            let expressible = batch.count > 1 ? batch.filter(XMLText.isExpressible) : []
            let isDone = try await deleteBatch(expressible)
            for key in batch where !isDone || batch.count == 1 || !XMLText.isExpressible(key) { try await delete(key) }
        }
    }

    /// - Returns: false if the server does not know this request.
    private func deleteBatch(_ keys: [String]) async throws -> Bool {
        guard !keys.isEmpty else { return true }
        let items = keys.map { "<Object><Key>\(XMLText.escape($0))</Key></Object>" }.joined()
        let request = ObjectRequest(
            method: .POST, query: [("delete", "")], headers: [("content-type", "application/xml")],
            body: ByteBuffer(
                string: "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>\(items)</Delete>"
            ),
            permission: "s3:DeleteObject", action: "delete objects", accepts: [405, 501])
        return try await sender.send(request) { answer in
            guard answer.status < 300 else {
                try await answer.finish()
                return false
            }
            let document = try await answer.document("DeleteResult")
            for error in document.all("Error") {
                let refusal = StorageRefusal(status: answer.status, headers: [:], document: error)
                guard refusal.code != "NoSuchKey" else { continue }
                // The whole batch again: deleting twice does no harm.
                if refusal.isTemporary { throw refusal }
                throw ImageError(
                    RefusalAdvice.kind(refusal),
                    "\(self.sender.name(error.text("Key").flatMap { keys.contains($0) ? $0 : nil })): cannot delete: \(refusal.code)",
                    hint: RefusalAdvice.step(refusal, permission: "s3:DeleteObject", self.sender.endpoint),
                    cause: refusal)
            }
            return true
        }
    }
}

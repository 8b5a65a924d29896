import ImageModel
import NIOHTTP1

/// An upload that was begun and neither completed nor aborted.
package struct UnfinishedUpload: Sendable, Hashable {
    package var key: String
    package var id: String
    /// By the server's clock, in seconds since 1970.
    package var initiated: Int?
}

extension Bucket {
    /// Begins an upload in parts.
    package func startUpload(_ key: String) async throws -> MultipartUpload {
        let request = ObjectRequest(
            method: .POST, key: key, query: [("uploads", "")], headers: objectHeaders, permission: "s3:PutObject",
            action: "start the upload")
        return try await sender.send(request) { answer in
            guard let id = try await answer.document("InitiateMultipartUploadResult").text("UploadId"),
                !id.isEmpty, id.utf8.count <= 4096
            else { throw GarbledAnswer(problem: "the answer has no upload ID") }
            return self.upload(key, id: id)
        }
    }

    /// An upload that was begun earlier.
    package func upload(_ key: String, id: String) -> MultipartUpload {
        MultipartUpload(bucket: self, key: key, id: id)
    }

    /// Lists the unfinished uploads of keys that begin with `prefix`, page by page.
    ///
    /// - Parameter body: called with each page.
    package func unfinishedUploads(
        prefix: String, _ body: ([UnfinishedUpload]) async throws -> Void
    ) async throws {
        var markers: (key: String, id: String)?
        while true {
            var request = ObjectRequest(
                method: .GET, query: [("uploads", ""), ("prefix", prefix)],
                permission: "s3:ListBucketMultipartUploads", action: "list the uploads below \(prefix)")
            if let markers { request.query += [("key-marker", markers.key), ("upload-id-marker", markers.id)] }
            let (page, next) = try await sender.send(request) {
                answer -> ([UnfinishedUpload], (key: String, id: String)?) in
                let document = try await answer.document("ListMultipartUploadsResult")
                // Ceph 16 encodes these keys if it is asked to, and does not say so: it is not asked to.
                let text = try Self.decoder(of: document)
                let page = try document.all("Upload").map { item in
                    guard let key = item.text("Key"), let id = item.text("UploadId"), !id.isEmpty else {
                        throw GarbledAnswer(problem: "a listed upload has no key or no ID")
                    }
                    return UnfinishedUpload(
                        key: try text(key), id: id, initiated: item.word("Initiated").flatMap(Timestamp.parse))
                }
                guard page.allSatisfy({ $0.key.hasPrefix(bytes: prefix) }) else {
                    throw GarbledAnswer(problem: "the list of uploads holds keys outside of the prefix")
                }
                guard document.word("IsTruncated") == "true" else { return (page, nil) }
                let next = (
                    key: try document.text("NextKeyMarker").map(text) ?? "",
                    id: document.text("NextUploadIdMarker") ?? ""
                )
                guard !next.key.isEmpty, markers == nil || next != markers! else {
                    throw GarbledAnswer(problem: "the list of uploads is cut off and names no next page")
                }
                return (page, next)
            }
            try await body(page)
            guard let next else { return }
            markers = next
        }
    }

    /// Aborts uploads that were begun before a time.
    ///
    /// - Parameter time: by the server's clock, in seconds since 1970. Uploads without a time are kept.
    /// - Returns: the number of aborted uploads.
    @discardableResult
    package func abortUploads(prefix: String, before time: Int) async throws -> Int {
        // First all pages: what is aborted would shift those that follow.
        var old: [UnfinishedUpload] = []
        try await unfinishedUploads(prefix: prefix) { page in
            old += page.filter { $0.initiated.map { $0 < time } ?? false }
        }
        for item in old { try await upload(item.key, id: item.id).abort() }
        return old.count
    }
}

import ByteStreams
import ImageModel
import NIOHTTP1

extension Bucket {
    /// The largest object that one request copies. Source: Amazon S3 API Reference, "CopyObject".
    private static let copyLimit: Int64 = 5 << 30
    /// Parts that are copied at once.
    private static let copiesAtOnce = 8

    /// Has the server copy an object within the bucket.
    ///
    /// - Parameter size: bytes of the source.
    /// - Throws: `ImageError`; nothing is visible at the destination then, unless it was there before.
    package func copy(_ source: String, to key: String, size: Int64) async throws {
        guard size > min(options.copyThreshold, Self.copyLimit) else { return try await copyWhole(source, to: key) }
        let plan = PartPlan(
            expected: size, usual: Int(min(options.copyPartSize, Self.copyLimit)), limit: options.partLimit)
        var ranges: [(number: Int, range: Range<Int64>)] = []
        var position: Int64 = 0
        while position < size {
            let end = min(size, position + Int64(plan.size(of: ranges.count + 1) ?? Int(Self.copyLimit)))
            ranges.append((ranges.count + 1, position..<end))
            position = end
        }
        let upload = try await startUpload(key)
        do {
            let parts = try await ranges.mapConcurrently(limit: Self.copiesAtOnce) { number, range in
                try await upload.copy(number, from: source, range: range)
            }
            try await upload.complete(parts)
        } catch {
            // Also after a cancellation.
            await Task.detached { try? await upload.abort() }.value
            throw error
        }
    }

    private func copyWhole(_ source: String, to key: String) async throws {
        var request = ObjectRequest(
            method: .PUT, key: key, headers: objectHeaders, permission: "s3:PutObject", action: "copy \(source) to it")
        request.headers += [("x-amz-copy-source", copySource(source)), ("x-amz-metadata-directive", "REPLACE")]
        request.isSlow = true
        try await sender.send(request) { _ = try await $0.document("CopyObjectResult") }
    }

    /// The value of `x-amz-copy-source`.
    func copySource(_ key: String) -> String { "/\(name)/\(KeyEncoding.path(key))" }
}

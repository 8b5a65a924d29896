import NIOHTTP1

extension Bucket {
    /// Whether old versions of objects are kept.
    package enum Versioning: Sendable, Equatable {
        case off, enabled, suspended
        /// The server does not know this request.
        case unknown
    }

    /// Source: Amazon S3 API Reference, "GetBucketVersioning".
    package func versioning() async throws -> Versioning {
        let request = ObjectRequest(
            method: .GET, query: [("versioning", "")], permission: "s3:GetBucketVersioning",
            action: "read the versioning of the bucket", accepts: [405, 501])
        return try await sender.send(request) { answer in
            guard answer.status < 300 else {
                try await answer.finish()
                return .unknown
            }
            // A server that ignores the parameter sends a listing.
            let document = try? XMLReader.read(try await answer.bytes(limit: Answer.documentLimit))
            guard document?.name == "VersioningConfiguration" else { return .unknown }
            switch document?.word("Status") {
            case "Enabled": return .enabled
            case "Suspended": return .suspended
            default: return .off
            }
        }
    }

    /// Whether objects can be locked against deletion; nil where the server does not know this request.
    ///
    /// Source: Amazon S3 API Reference, "GetObjectLockConfiguration".
    package func objectLock() async throws -> Bool? {
        let request = ObjectRequest(
            method: .GET, query: [("object-lock", "")], permission: "s3:GetBucketObjectLockConfiguration",
            action: "read the object lock of the bucket", accepts: [400, 404, 405, 409, 501])
        return try await sender.send(request) { answer in
            guard answer.status >= 300 else {
                // A server that ignores the parameter sends a listing.
                let document = try? XMLReader.read(try await answer.bytes(limit: Answer.documentLimit))
                guard document?.name == "ObjectLockConfiguration" else { return nil }
                return document?.word("ObjectLockEnabled") == "Enabled"
            }
            let refusal = try await answer.refusal()
            if refusal.isUnsupported || answer.status == 405 { return nil }
            guard
                refusal.code.hasPrefix("ObjectLockConfigurationNotFound") || refusal.code == "InvalidBucketState"
                    || refusal.code == "InvalidRequest"
            else { throw refusal }
            return false
        }
    }
}

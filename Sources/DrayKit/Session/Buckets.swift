import ImageModel
package import ObjectStorage
import Synchronization

/// How the servers of buckets are reached, where that is not left to the environment and the files of AWS's tools.
package struct StorageSettings: Sendable {
    /// `https://host[:port]` of a server other than AWS's.
    package var endpoint: String?
    package var region: String?
    /// Whether the bucket stands in the path of a URL, and not in its host.
    package var usesPathStyle: Bool?
    /// PEM files of certificate authorities, beside the system's.
    package var authorityFiles: [String] = []
    package var verifiesTLS = true
    /// Is told what a user should know.
    package var remark: @Sendable (String) -> Void = { _ in }

    package init() {}

    func options(for bucket: String) -> StorageOptions {
        var options = StorageOptions(bucket: bucket)
        options.endpoint = endpoint
        options.region = region
        options.usesPathStyle = usesPathStyle
        options.network.authorityFiles += authorityFiles
        options.network.verifiesTLS = verifiesTLS
        options.remark = remark
        return options
    }
}

/// The buckets of a session, each opened once.
package final class Buckets: Sendable {
    private let settings: StorageSettings
    private let opened = Mutex<[String: Bucket]>([:])

    package init(_ settings: StorageSettings) { self.settings = settings }

    /// - Parameter text: `s3://BUCKET/PREFIX`.
    /// - Throws: `ImageError.usage` for a text or settings that cannot be used.
    package func place(_ text: String) throws -> BucketPlace {
        guard let name = try BucketName(text) else {
            throw ImageError.usage("'\(text)': not a bucket; expected s3://BUCKET/PREFIX")
        }
        return try opened.withLock { opened in
            let bucket = try opened[name.bucket] ?? Bucket(settings.options(for: name.bucket))
            opened[name.bucket] = bucket
            return BucketPlace(bucket, prefix: name.prefix)
        }
    }
}

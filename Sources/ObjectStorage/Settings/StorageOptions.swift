import FoundationEssentials

/// A bucket and how to reach it. Options win over the environment, and that over the profile.
package struct StorageOptions: Sendable {
    /// Server-side encryption of new objects.
    package enum Encryption: Sendable, Equatable {
        case aes256
        /// - Parameter keyID: nil for the account's default key.
        case kms(keyID: String?)
    }

    package var bucket: String
    /// `https://host[:port][/path]`; nil for `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, the profile, and else AWS.
    package var endpoint: String?
    /// nil for `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile, and else `us-east-1` with an endpoint of its own.
    package var region: String?
    /// Whether the bucket is part of the path instead of the host name; nil for the profile's `s3.addressing_style`, and
    /// else true for custom endpoints.
    package var usesPathStyle: Bool?
    /// nil for `AWS_PROFILE`, and else `default`.
    package var profile: String?
    /// Instead of those that the environment provides.
    package var keys: AccessKeys?
    package var encryption: Encryption?
    /// nil for the bucket's default.
    package var storageClass: String?
    /// A canned access list, such as `private` or `bucket-owner-full-control`.
    package var accessList: String?
    package var userAgent: String?
    /// Endpoints of AWS: transfer acceleration, IPv6, and FIPS 140.
    package var usesAcceleration = false
    package var usesDualStack = false
    package var usesFIPS = false
    /// Bytes of a part of a multipart upload, at least 5 MiB; larger where an object needs more than `partLimit` parts.
    package var partSize = 16 << 20
    /// Parts of an upload that a server accepts. Some accept only 1,000.
    package var partLimit = 10_000
    /// Bytes of parts that wait or are on their way, for each upload. A part that is larger travels alone.
    package var uploadMemory = 64 << 20
    /// Objects above this size are copied by parts; at most 5 GiB.
    package var copyThreshold: Int64 = 5 << 30
    /// Bytes of a part of such a copy.
    package var copyPartSize: Int64 = 512 << 20
    package var network = NetworkOptions()
    package var retry = RetryPolicy()
    /// The environment's variables.
    package var environment = ProcessInfo.processInfo.environment
    /// Receives a line for each retry.
    package var remark: @Sendable (String) -> Void = { _ in }

    package init(bucket: String) { self.bucket = bucket }
}

extension StorageOptions: CustomStringConvertible, CustomReflectable {
    /// Without the environment and the keys, which hold secrets.
    package var description: String { "s3://\(bucket)" }
    package var customMirror: Mirror { Mirror(self, children: ["bucket": bucket]) }
}

import ConfigurationFiles
import ImageModel
package import ObjectStorage

extension ServerConfiguration {
    /// `storage.s3`. Source: distribution, docs/content/storage-drivers/s3.md, of versions 2.8 and 3.
    public struct Bucket: Sendable {
        public var name: String
        /// Prefix of all keys, without slashes at its ends.
        public var rootDirectory = ""
        /// A server other than AWS's.
        public var regionEndpoint: String?
        /// nil for the environment's, and for `us-east-1` with a server of its own.
        public var region: String?
        /// Account and password. Without, they come from the environment, the shared files, or the machine's role.
        public var accessKey: String?
        public var secretKey: String?
        public var sessionToken: String?
        public var isSecure = true
        public var verifiesTLS = true
        /// nil: path style for a server other than AWS's.
        public var forcesPathStyle: Bool?
        public var encrypts = false
        public var keyID: String?
        public var storageClass: String?
        public var objectACL: String?
        public var userAgent: String?
        public var accelerates = false
        public var usesDualStack = false
        public var usesFIPSEndpoint = false
        /// Bytes of a part of an upload.
        public var chunkSize = 10 << 20
        /// Bytes of a part of a copy, and of an object above which a copy has parts.
        public var copyChunkSize = 512 << 20
        public var copyThreshold = 5 << 30
        /// From where clients fetch blobs: `https://host[:port]`; nil for the endpoint.
        public var redirectEndpoint: String?

        public init(name: String) { self.name = name }
    }
}

extension ServerConfiguration.Bucket {
    private static let smallestPart = 5 << 20
    private static let largestPart = 5 << 30
    private enum LogLevel: String, CaseIterable { case off, debug, debugwithsigning, debugwithhttpbody }

    /// nil without a bucket.
    init?(_ section: Section) {
        section.refuseUnknownKeys()
        let name = section.require("bucket", .text, "write the name of the bucket")
        self.init(name: name ?? "")
        section.read("rootdirectory", .keyPrefix, into: &rootDirectory)
        section.read("region", .text, into: &region)
        section.read("regionendpoint", .text, into: &regionEndpoint)
        section.read("accesskey", .secret, into: &accessKey)
        section.read("secretkey", .secret, into: &secretKey)
        section.read("sessiontoken", .secret, into: &sessionToken)
        if (accessKey ?? "").isEmpty != (secretKey ?? "").isEmpty {
            section.complain("accesskey", "goes with secretkey; write both, or none to use the environment's")
        }
        section.read("secure", .flag, into: &isSecure)
        var skipsVerification = false
        section.read("skipverify", .flag, into: &skipsVerification)
        verifiesTLS = !skipsVerification
        section.read("forcepathstyle", .flag, into: &forcesPathStyle)
        if section.read("v4auth", .flag) == false {
            section.complain(
                "v4auth", "signatures of version 2 are not supported; remove it, for every server takes version 4")
        }
        section.read("encrypt", .flag, into: &encrypts)
        section.read("keyid", .text, into: &keyID)
        section.read("storageclass", .text, into: &storageClass)
        if storageClass == "NONE" { storageClass = nil }
        section.read("objectacl", .text, into: &objectACL)
        section.read("useragent", .text, into: &userAgent)
        section.read("accelerate", .flag, into: &accelerates)
        section.read("usedualstack", .flag, into: &usesDualStack)
        section.read("usefipsendpoint", .flag, into: &usesFIPSEndpoint)
        section.read("redirectendpoint", .url, into: &redirectEndpoint)
        let part = ValueKind<Int>.number(in: Self.smallestPart...Self.largestPart)
        section.read("chunksize", part, into: &chunkSize)
        section.read("multipartcopychunksize", part, into: &copyChunkSize)
        section.read("multipartcopythresholdsize", .number(in: 0...Self.largestPart), into: &copyThreshold)
        section.read("multipartcopymaxconcurrency", .count)
        if let level: LogLevel = section.read("loglevel", .choice()), level != .off {
            section.warn("loglevel", "does nothing: requests to the bucket are not logged")
        }
        if name == nil { return nil }
    }

    /// - Throws: `ImageError.usage` for what cannot be used.
    package var options: StorageOptions {
        get throws {
            var options = StorageOptions(bucket: name)
            options.endpoint = endpoint
            options.region = region
            options.usesPathStyle = forcesPathStyle
            if let accessKey, let secretKey, !accessKey.isEmpty {
                options.keys = AccessKeys(id: accessKey, secret: secretKey, token: sessionToken)
            }
            options.encryption = encrypts ? keyID.map { .kms(keyID: $0) } ?? .aes256 : nil
            options.storageClass = storageClass
            options.accessList = objectACL
            options.userAgent = userAgent
            options.usesAcceleration = accelerates
            options.usesDualStack = usesDualStack
            options.usesFIPS = usesFIPSEndpoint
            options.partSize = chunkSize
            // Many clients push at once.
            options.uploadMemory = 3 * chunkSize
            options.copyPartSize = Int64(copyChunkSize)
            options.copyThreshold = Int64(copyThreshold)
            options.network.verifiesTLS = verifiesTLS
            return options
        }
    }

    /// With a scheme; the original also takes `HOST:PORT`.
    private var endpoint: String? {
        let scheme = isSecure ? "https://" : "http://"
        guard let regionEndpoint, !regionEndpoint.isEmpty else {
            return isSecure ? nil : region.map { "\(scheme)s3.\($0).amazonaws.com" }
        }
        return regionEndpoint.contains("://") ? regionEndpoint : scheme + regionEndpoint
    }

    /// - Throws: `ImageError.usage` for settings that cannot be used.
    package var place: BucketPlace {
        get throws { BucketPlace(try ObjectStorage.Bucket(options), prefix: rootDirectory) }
    }
}

extension ValueKind where Value == String {
    /// The beginning of keys: `a/b`; slashes at its ends do not count.
    fileprivate static var keyPrefix: ValueKind {
        text { (text) throws(Complaint) in
            let parts = text.split(separator: "/")
            guard !parts.contains("."), !parts.contains("..") else {
                throw Complaint("\(quoted(text)) has the component '.' or '..': write one such as registry/images")
            }
            return parts.joined(separator: "/")
        }
    }
}

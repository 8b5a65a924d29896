import ImageModel

/// The host, region and addressing style of a bucket.
package struct Endpoint: Sendable, Equatable {
    package let bucket: String
    package let region: String
    package let usesPathStyle: Bool
    /// Whether the host is AWS's own, rather than that of a custom endpoint.
    package let isAWS: Bool
    private let base: ServerAddress

    /// The host that requests for the bucket go to.
    package var address: ServerAddress {
        var address = base
        if !usesPathStyle { address.host = "\(bucket).\(base.host)" }
        return address
    }

    /// The endpoint without the bucket, for messages.
    package var name: String { base.description }

    /// The encoded path of a key, or of the bucket itself.
    package func path(_ key: String?) -> String {
        let start = base.path + (usesPathStyle ? "/\(bucket)" : "")
        return key.map { "\(start)/\(KeyEncoding.path($0))" } ?? (usesPathStyle ? start : "\(start)/")
    }

    /// The same bucket where other clients reach it.
    ///
    /// - Parameter text: `https://host[:port][/path]`.
    package func replacing(_ text: String) throws -> Endpoint {
        guard let address = ServerAddress(text) else { throw Self.invalid(text) }
        return Endpoint(
            bucket: bucket, region: region, usesPathStyle: usesPathStyle, isAWS: isAWS, base: address)
    }

    private init(bucket: String, region: String, usesPathStyle: Bool, isAWS: Bool, base: ServerAddress) {
        self.bucket = bucket
        self.region = region
        self.usesPathStyle = usesPathStyle
        self.isAWS = isAWS
        self.base = base
    }

    /// - Throws: `ImageError.usage`, with what to correct.
    package init(_ options: StorageOptions, profile: Profile) throws {
        func variable(_ name: String) -> String? { options.environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        bucket = options.bucket
        guard Self.isBucketName(bucket) else {
            throw ImageError.usage(
                "bucket '\(bucket)': invalid name; use 1 to 255 letters, digits, dots, hyphens and underscores")
        }
        let ignoresSettings = variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") == "true"
        let configured =
            ignoresSettings
            ? nil
            : variable("AWS_ENDPOINT_URL_S3") ?? variable("AWS_ENDPOINT_URL") ?? profile.service("s3.endpoint_url")
                ?? profile["endpoint_url"]
        let custom = options.endpoint ?? configured
        let known = options.region ?? variable("AWS_REGION") ?? variable("AWS_DEFAULT_REGION") ?? profile["region"]
        isAWS = custom == nil
        guard let region = known ?? (isAWS ? nil : "us-east-1") else {
            throw ImageError.usage("bucket \(bucket): the region is missing; set region or AWS_REGION")
        }
        guard !region.isEmpty, region.utf8.allSatisfy({ $0 < 128 }),
            region.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" })
        else { throw ImageError.usage("region '\(region)': invalid; expected a name such as eu-central-1") }
        self.region = region
        let style = profile["s3.addressing_style"].flatMap { ["path": true, "virtual": false][$0] }
        // A certificate for *.s3.amazonaws.com does not match a bucket name with dots.
        let path = options.usesPathStyle ?? style ?? (custom != nil || bucket.contains("."))
        usesPathStyle = path && !options.usesAcceleration
        guard usesPathStyle || Self.isHostName(bucket) else {
            throw ImageError.usage("bucket '\(bucket)': not a valid host name; use path style")
        }
        let text = custom ?? "https://\(Self.host(region, options))"
        guard let address = ServerAddress(text) else { throw Self.invalid(text) }
        base = address
    }

    private static func invalid(_ text: String) -> ImageError {
        // An account in the address is a secret.
        let shown = text.contains("@") ? "the address" : "'\(text)'"
        return .usage("S3 endpoint: \(shown) is invalid; expected https://host[:port][/path]")
    }

    /// Source: AWS General Reference, "Amazon S3 endpoints and quotas".
    private static func host(_ region: String, _ options: StorageOptions) -> String {
        let domain = region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
        let stack = options.usesDualStack ? ".dualstack" : ""
        if options.usesAcceleration { return "s3-accelerate\(stack).\(domain)" }
        return "s3\(options.usesFIPS ? "-fips" : "")\(stack).\(region).\(domain)"
    }

    private static func isBucketName(_ name: String) -> Bool {
        (1...255).contains(name.utf8.count) && name != "." && !name.contains("..")
            && name.utf8.allSatisfy { byte in
                switch byte {
                case 48...57, 65...90, 97...122, UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"): true
                default: false
                }
            }
    }

    private static func isHostName(_ name: String) -> Bool {
        name.utf8.count <= 63 && name.first != "-" && name.last != "-" && name.first != "." && name.last != "."
            && !name.contains { $0.isUppercase || $0 == "_" }
    }
}

import ImageModel

/// A bucket, and the prefix below which files lie in it: `s3://BUCKET/PREFIX`.
package struct BucketPlace: Sendable {
    package let bucket: Bucket
    /// Without a slash at its end; may be empty.
    package let prefix: String

    package init(_ bucket: Bucket, prefix: String) {
        self.bucket = bucket
        self.prefix = prefix
    }

    package var title: String { BucketName(bucket: bucket.name, prefix: prefix).description }

    /// The key of a file.
    ///
    /// - Parameter path: relative; empty for the beginning of all keys of this place.
    package func key(_ path: String) -> String { prefix.isEmpty ? path : "\(prefix)/\(path)" }

    /// The path of a key that begins with the prefix.
    package func path(ofKey key: String) -> String {
        prefix.isEmpty ? key : String(key.dropFirst(prefix.count + 1))
    }
}

/// Operations on files by their paths. They block: they belong on worker threads.
extension BucketPlace {
    /// nil if there is none.
    package func info(_ path: String) throws -> ObjectInfo? {
        try bucket.wait { [key = key(path)] in try await $0.head(key) }
    }

    /// A whole small file; nil if there is none.
    package func read(_ path: String, limit: Int) throws -> [UInt8]? {
        try bucket.wait { [key = key(path)] in try await $0.bytes(key, limit: limit) }
    }

    package func put(_ bytes: [UInt8], at path: String) throws {
        try bucket.wait { [key = key(path)] in try await $0.put(key, bytes) }
    }

    package func remove(_ path: String) throws {
        try bucket.wait { [key = key(path)] in try await $0.delete(key) }
    }

    /// - Parameter size: bytes of the file.
    package func copy(_ path: String, to target: String, size: Int64) throws {
        try bucket.wait { [key = key(path), to = key(target)] in try await $0.copy(key, to: to, size: size) }
    }
}

/// `s3://BUCKET/PREFIX`, as people write it.
package struct BucketName: Hashable, Sendable, CustomStringConvertible {
    package static let scheme = "s3://"

    package let bucket: String
    /// Without slashes at its ends; may be empty.
    package let prefix: String

    package init(bucket: String, prefix: String) {
        self.bucket = bucket
        self.prefix = prefix
    }

    /// - Returns: nil for a text that does not begin with `s3://`.
    /// - Throws: `ImageError.usage` for a missing bucket, or a prefix with empty, `.` or `..` components.
    package init?(_ text: String) throws {
        guard text.hasPrefix(Self.scheme) else { return nil }
        let rest = text.dropFirst(Self.scheme.count)
        bucket = String(rest.prefix { $0 != "/" })
        guard !bucket.isEmpty else {
            throw ImageError.usage("'\(text)': the bucket is missing; expected s3://BUCKET/PREFIX")
        }
        var end = rest.dropFirst(bucket.count)
        while end.first == "/" { end.removeFirst() }
        while end.last == "/" { end.removeLast() }
        prefix = String(end)
        let parts = end.split(separator: "/", omittingEmptySubsequences: false)
        guard prefix.isEmpty || parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }) else {
            throw ImageError.usage("'\(text)': invalid prefix; its components cannot be empty, '.' or '..'")
        }
    }

    package var description: String { Self.scheme + bucket + (prefix.isEmpty ? "" : "/\(prefix)") }
}

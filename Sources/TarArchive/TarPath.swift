import ByteStreams

/// Paths inside of a tar.
enum TarPath {
    static let lengthLimit = 4096
    /// Components; a repository in a store may have 127.
    static let depthLimit = 256

    /// Without `./`, doubled and trailing slashes.
    ///
    /// - Throws: `StreamError.damaged` if it leaves the archive's root.
    static func normalised(_ path: String, in name: String) throws -> String {
        guard path.utf8.count <= lengthLimit else {
            throw StreamError.limit(
                "\(name): a member's path has \(path.utf8.count) bytes, the limit is \(lengthLimit)")
        }
        let parts = path.split(separator: "/").filter { $0 != "." }
        guard !path.hasPrefix("/"), !parts.contains("..") else {
            throw StreamError.damaged(
                "\(name): the member \(path) leaves the archive's root; no image archive has such a path")
        }
        guard parts.count <= depthLimit else {
            throw StreamError.limit(
                "\(name): the member \(path.prefix(80))... lies \(parts.count) directories deep, the limit is \(depthLimit)"
            )
        }
        return parts.joined(separator: "/")
    }

    /// Follows `target` from a directory; nil if that leads above the root.
    static func resolve(_ target: String, from directory: String) -> String? {
        var parts = directory.split(separator: "/")
        for part in target.split(separator: "/") where part != "." {
            if part == ".." {
                guard parts.popLast() != nil else { return nil }
            } else {
                parts.append(part)
            }
        }
        return parts.joined(separator: "/")
    }
}

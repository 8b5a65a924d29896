import ByteStreams
import ImageModel

/// Paths inside of a tar.
package enum TarPath {
    static let lengthLimit = 4096
    /// Components; a repository in a store may have 127.
    static let depthLimit = 256

    /// Without `./`, doubled and trailing slashes; nil if it leaves the root.
    package static func normalised(_ path: String) -> String? {
        let parts = components(of: path)
        guard !isAbsolute(path), !parts.contains("..") else { return nil }
        guard parts.contains(where: isIdle) else { return path }
        return parts.filter { !isIdle($0) }.joined(separator: "/")
    }

    private static func isIdle(_ part: Substring) -> Bool { part.isEmpty || part == "." }

    /// Of a member.
    ///
    /// - Throws: `ImageError.damaged` if it leaves the archive's root.
    static func normalised(_ path: String, in name: String) throws -> String {
        guard path.utf8.count <= lengthLimit else {
            throw ImageError.limit(
                "\(name): a member's path has \(path.utf8.count) bytes, the limit is \(lengthLimit)")
        }
        guard let normalised = normalised(path) else {
            throw ImageError.damaged(
                "\(name): the member \(path) leaves the archive's root; no image archive has such a path")
        }
        let depth = normalised.utf8.count { $0 == UInt8(ascii: "/") } + 1
        guard depth <= depthLimit else {
            throw ImageError.limit(
                "\(name): the member \(path.prefix(80))... lies \(depth) directories deep, the limit is \(depthLimit)")
        }
        return normalised
    }

    /// Follows `target` from a directory; nil if that leads above the root.
    static func resolve(_ target: String, from directory: String) -> String? {
        var parts = components(of: directory).filter { !isIdle($0) }
        for part in components(of: target) where !isIdle(part) {
            if part == ".." {
                guard parts.popLast() != nil else { return nil }
            } else {
                parts.append(part)
            }
        }
        return parts.joined(separator: "/")
    }
}

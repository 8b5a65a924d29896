/// A member of a tar.
package struct TarEntry: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case file
        case directory
        /// The target is relative to the link's own directory.
        case symbolicLink(String)
        /// The target is the path of an earlier member.
        case hardLink(String)
        /// Devices, pipes and the like.
        case other
    }

    /// Relative, without `./`, doubled or trailing slashes.
    package let path: String
    package let kind: Kind
    /// Bytes of a file.
    package let size: Int64
    /// Where the file's bytes begin in an uncompressed tar.
    package let dataOffset: Int64

    package init(path: String, kind: Kind, size: Int64, dataOffset: Int64) {
        self.path = path
        self.kind = kind
        self.size = size
        self.dataOffset = dataOffset
    }
}

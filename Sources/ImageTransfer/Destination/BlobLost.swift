/// What a destination had of a blob is gone: the blob has to be sent again from its first byte. The copier
/// does so where the source can be read again. Who throws it thinks that another try makes sense, and throws
/// something else when it no longer does.
package struct BlobLost: Error, CustomStringConvertible {
    package let reason: String
    /// Whether the destination takes it only if it knows digest and size before the first byte.
    package let needsDigest: Bool

    package init(reason: String, needsDigest: Bool = false) {
        self.reason = reason
        self.needsDigest = needsDigest
    }

    package var description: String {
        "\(reason), and its first bytes cannot be read again: put the input into a file first"
    }
}

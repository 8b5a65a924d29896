public import ImageModel

/// Lets bytes through, and its end only if they were the right ones.
public final class VerifyingSource: ByteSource {
    private let hashing: HashingSource
    private let digest: Digest
    private let size: Int64?
    private let name: String
    private var isVerified = false

    /// - Parameters:
    ///   - size: in bytes; nil where nobody claimed one.
    ///   - name: of the bytes, for the message.
    public init(_ upstream: any ByteSource, digest: Digest, size: Int64?, name: String) {
        hashing = HashingSource(upstream, algorithm: digest.algorithm)
        self.digest = digest
        self.size = size
        self.name = name
    }

    /// - Throws: `StreamError.damaged` with both values when the size or, at the end, the digest differs.
    public func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        if isVerified { return 0 }
        let count = try hashing.read(into: buffer)
        if let size, hashing.count > size || (count == 0 && hashing.count < size) {
            throw StreamError.damaged(
                count == 0
                    ? "\(name) has \(hashing.count) bytes, and \(size) were expected: it is truncated"
                    : "\(name) has more than the \(size) bytes that were expected")
        }
        if count == 0 {
            let found = hashing.digest()
            guard found == digest else {
                throw StreamError.damaged("\(name) is damaged: its digest is \(found), expected was \(digest)")
            }
            isVerified = true
        }
        return count
    }
}

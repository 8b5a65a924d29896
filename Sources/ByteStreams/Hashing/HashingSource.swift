package import ImageModel

/// Knows how many bytes of a stream there were, and what they hash to.
package protocol Hashed: AnyObject {
    /// Bytes so far.
    var count: Int64 { get }
    /// Of all of them.
    func digest() -> Digest
}

/// Hashes and counts what is read through it.
package final class HashingSource: ByteSource, Hashed {
    private let upstream: any ByteSource
    private var hasher: DigestHasher
    /// Bytes read so far.
    package private(set) var count: Int64 = 0

    package init(_ upstream: any ByteSource, algorithm: Digest.Algorithm = .sha256) {
        self.upstream = upstream
        hasher = DigestHasher(algorithm)
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let got = try upstream.read(into: buffer)
        hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<got]))
        count += Int64(got)
        return got
    }

    /// Of everything read so far.
    package func digest() -> Digest { hasher.finalize() }
}

/// Lets bytes through, and its end only if they were the right ones.
package final class VerifyingSource: ByteSource {
    private let upstream: any ByteSource
    private let hashed: any Hashed
    private var count: Int64 = 0
    private let digest: Digest
    private let size: Int64?
    private let name: String
    private var isVerified = false

    /// - Parameters:
    ///   - size: in bytes; nil where nobody claimed one.
    ///   - name: of the bytes, for the message.
    ///   - hasher: where whoever reads has the bytes hashed, each before the next read; nil if it is to be done here.
    package init(
        _ upstream: any ByteSource, digest: Digest, size: Int64?, name: String, hashedBy hasher: LaneHasher? = nil
    ) {
        if let hasher {
            self.upstream = upstream
            hashed = hasher
        } else {
            let hashing = HashingSource(upstream, algorithm: digest.algorithm)
            self.upstream = hashing
            hashed = hashing
        }
        self.digest = digest
        self.size = size
        self.name = name
    }

    /// - Throws: `ImageError.damaged` with both values when the size or, at the end, the digest differs.
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        if isVerified { return 0 }
        let got = try upstream.read(into: buffer)
        count += Int64(got)
        if let size, count > size || (got == 0 && count < size) {
            throw ImageError.damaged(
                got == 0
                    ? "\(name) has \(count) bytes, and \(size) were expected: it is truncated"
                    : "\(name) has more than the \(size) bytes that were expected")
        }
        if got == 0 {
            let found = hashed.digest()
            guard found == digest else {
                throw ImageError.damaged("\(name) is damaged: its digest is \(found), expected was \(digest)")
            }
            isVerified = true
        }
        return got
    }
}

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

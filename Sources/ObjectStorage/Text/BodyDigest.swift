import Crypto
import NIOCore

/// The MD5 of bodies, which S3 uses to detect errors on the way, and for its ETags.
enum BodyDigest {
    static func md5(_ buffer: ByteBuffer) -> [UInt8] {
        var hash = Insecure.MD5()
        buffer.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
        return Array(hash.finalize())
    }

    static func md5(_ bytes: [UInt8]) -> [UInt8] { Array(Insecure.MD5.hash(data: bytes)) }
}

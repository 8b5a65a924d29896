import ByteStreams
import ImageModel
import Testing

struct VerifyingSourceTests {
    let bytes = SeededBytes.noise(10_000)

    @Test(arguments: Digest.Algorithm.allCases)
    func rightBytesPass(algorithm: Digest.Algorithm) throws {
        let digest = Digest(of: bytes, algorithm: algorithm)
        for size in [nil, 10_000] as [Int64?] {
            let source = VerifyingSource(DribblingSource(bytes, piece: 999), digest: digest, size: size, name: "it")
            #expect(try source.collect(piece: 100) == bytes)
            #expect(try source.collect() == [])
        }
    }

    @Test func wrongDigestIsDamage() throws {
        let digest = Digest(of: bytes)
        var other = bytes
        other[5000] ^= 1
        for size in [nil, 10_000] as [Int64?] {
            let source = VerifyingSource(BytesSource(other), digest: digest, size: size, name: "the blob")
            let words = try #require(try damage { _ = try source.drain() })
            #expect(words.contains("the blob") && words.contains(digest.hex) && words.contains(Digest(of: other).hex))
            // Asking again does not make it right.
            #expect(throws: ImageError.self) { try source.drain() }
        }
    }

    @Test func wrongSizeIsDamage() throws {
        let digest = Digest(of: bytes)
        let short = VerifyingSource(BytesSource(bytes.dropLast()), digest: digest, size: 10_000, name: "it")
        let words = try #require(try damage { _ = try short.drain() })
        #expect(words.contains("9999") && words.contains("10000"))

        // It stops as soon as there is too much, not at the end.
        let endless = VerifyingSource(ZerosSource(.max), digest: digest, size: 10_000, name: "it")
        #expect(try damage { _ = try endless.drain() }?.contains("10000") == true)
    }

    @Test func upstreamErrorIsNoEnd() {
        let error = ImageError.io(operation: "read", path: "/x", errno: 5)
        let zeros = [UInt8](repeating: 0, count: 100)
        let source = VerifyingSource(ZerosSource(100, then: error), digest: Digest(of: zeros), size: 100, name: "it")
        #expect(throws: error) { try source.drain() }
    }

    @Test func hashingCountsAndHashes() throws {
        let source = HashingSource(DribblingSource(bytes, piece: 17), algorithm: .sha512)
        #expect(source.digest() == Digest(of: [], algorithm: .sha512))
        #expect(try source.collect() == bytes)
        #expect(source.count == 10_000)
        #expect(source.digest() == Digest(of: bytes, algorithm: .sha512))
    }
}

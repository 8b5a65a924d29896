import ImageModel
import Testing

import ByteStreams

/// Hashing beside other work gives what the library gives.
struct LaneHasherTests {
    /// Lengths around the borders of blocks and of their padding, and of the slices that are hashed at a time.
    @Test(arguments: [0, 1, 55, 56, 63, 64, 65, 119, 120, 127, 128, 1000, 65_535, 65_536, 65_537, 300_001])
    func oneStream(_ length: Int) {
        let bytes = SeededBytes.noise(length, seed: UInt64(length))
        for algorithm in Digest.Algorithm.allCases {
            for step in [1, 63, 64, 100, 4096, 1 << 20] where step > 1 || length < 2000 {
                let hasher = LaneHasher(algorithm)
                add(bytes, to: hasher, step: step)
                #expect(hasher.count == Int64(length))
                #expect(hasher.digest() == Digest(of: bytes, algorithm: algorithm), "\(length) bytes by \(step)")
            }
        }
    }

    @Test func manyStreamsAtOnce() async {
        await withTaskGroup(of: Bool.self) { group in
            for stream in 0..<24 {
                group.addTask {
                    let bytes = SeededBytes.noise(200_000 + 7919 * stream, seed: UInt64(stream))
                    // One in six cannot share, and all have pieces of their own size.
                    let algorithm: Digest.Algorithm = stream % 6 == 0 ? .sha512 : .sha256
                    let hasher = LaneHasher(algorithm)
                    add(bytes, to: hasher, step: 1000 + 4001 * stream)
                    return hasher.digest() == Digest(of: bytes, algorithm: algorithm)
                }
            }
            for await isRight in group { #expect(isRight) }
        }
    }

    /// A part read into a buffer, and the rest taken block by block.
    @Test(arguments: [0, 1, 99, 100, 262_144, 262_244, 1_000_003])
    func whatIsReadThroughIsHashed(_ length: Int) throws {
        let bytes = SeededBytes.noise(length, seed: 7)
        for piece in [1000, 1 << 20] {
            let hasher = LaneHasher()
            let source = LaneHashingSource(DribblingSource(bytes, piece: piece), hashedBy: hasher)
            var start = [UInt8](repeating: 0, count: 100)
            let count = try start.withUnsafeMutableBytes { try source.fill($0) }
            let rest = CollectingSink()
            try source.pump(into: rest)
            #expect(start[..<count] + rest.bytes == bytes[...], "\(length) bytes by \(piece)")
            #expect(hasher.count == Int64(length))
            #expect(hasher.digest() == Digest(of: bytes))
            #expect(hasher.digest() == Digest(of: bytes))
        }
    }

    @Test(.enabled(if: SHA256State.isAvailable)) func twoStatesTakenTogetherStayApart() {
        let (first, second) = (SeededBytes.noise(6400, seed: 1), SeededBytes.noise(640, seed: 2))
        let (one, two) = (SHA256State(), SHA256State())
        first.withUnsafeBytes { first in
            second.withUnsafeBytes { second in
                var (blocks, others) = (one.takeEnds(of: first), two.takeEnds(of: second))
                SHA256State.take(&blocks, into: one, &others, into: two)
                #expect((blocks.count, others.count) == (5760, 0))
                one.take(&blocks, atMost: .max)
            }
        }
        #expect(Digest(sha256: one.finish()) == Digest(of: first))
        #expect(Digest(sha256: two.finish()) == Digest(of: second))
    }

    /// All pieces are handed over before any needs to be done, as a compressor does.
    private func add(_ bytes: [UInt8], to hasher: LaneHasher, step: Int) {
        let readers = BufferReaders()
        bytes.withUnsafeBytes { bytes in
            for start in stride(from: 0, to: bytes.count, by: step) {
                let end = min(bytes.count, start + step)
                hasher.add(UnsafeRawBufferPointer(rebasing: bytes[start..<end]), readers: readers)
            }
            readers.wait()
        }
    }
}

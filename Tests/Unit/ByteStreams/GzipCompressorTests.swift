import Glibc
import Testing

import ByteStreams
import ImageModel

struct GzipCompressorTests {
    static let blockBorders = [0, 1, 2, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 2 << 20, (3 << 20) + 17]

    @Test(arguments: [nil, 0, 1, 2, 3, 6, 9] as [Int?], blockBorders)
    func inflatesToItsInput(level: Int?, size: Int) throws {
        for bytes in [SeededBytes.noise(size), SeededBytes.letters(size)] {
            let packed = try GzipCompressor(BytesSource(bytes), level: level).collect()
            #expect(try InflatingSource(BytesSource(packed), format: .gzip, name: "it").collect() == bytes)
            let zlib = InflatingSource(BytesSource(packed), inflater: ZlibInflater(), name: "it")
            #expect(try zlib.collect() == bytes)
            #expect(packed.count < bytes.count + bytes.count / 1000 + 100)
        }
    }

    @Test(arguments: [nil, 3, 6] as [Int?])
    func dependsOnNothingButInputAndLevel(level: Int?) throws {
        let bytes = SeededBytes.letters((5 << 20) + 12345)
        let packed = try GzipCompressor(BytesSource(bytes), level: level, threads: 1).collect()
        for threads in [2, 8] {
            #expect(try GzipCompressor(BytesSource(bytes), level: level, threads: threads).collect() == packed)
        }
        let dribbled = GzipCompressor(DribblingSource(bytes, piece: 4097), level: level, threads: 2)
        #expect(try dribbled.collect(piece: 1000) == packed)
    }

    /// ISA-L 2.30 by itself forgets the third byte, and remembers it in a place that hangs on an address.
    @Test(arguments: [1, 2]) func bytesAtTheStartOfABlockAreFoundAgain(level: Int) throws {
        let count = 400
        /// The packed sizes together, of bytes of which four repeat what stood at `start`.
        func size(repeating start: Int) throws -> Int {
            try (1...count).reduce(0) { sum, seed in
                let fresh = SeededBytes.noise(1500, seed: UInt64(seed)).map { $0 & 0x7f }
                let bytes = fresh[..<1000] + fresh[start..<start + 4] + fresh[1004...]
                return try sum + GzipCompressor(BytesSource(Array(bytes)), level: level).collect().count
            }
        }
        let found = try size(repeating: 20)
        let fresh = try size(repeating: 1000)
        #expect(abs(fresh - found) > count)
        for start in 0...4 { #expect(try abs(size(repeating: start) - found) < abs(fresh - found) / 4, "\(start)") }
    }

    @Test func levelsCompressMore() throws {
        let bytes = SeededBytes.letters(1 << 20)
        let fast = try GzipCompressor(BytesSource(bytes), level: 1).collect().count
        let small = try GzipCompressor(BytesSource(bytes), level: 9).collect().count
        #expect(fast < bytes.count / 2 && small < fast)
    }

    /// Blocks may still be hashed when nobody reads on, as when a disk is full: none of the threads that hash and compress
    /// waits for that.
    @Test func sourcesThatAreLeftInTheMiddleHoldNoThread() async throws {
        let bytes = SeededBytes.noise(GzipCompressor.blockSize / 2)
        for _ in 0..<100 {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<16 {
                    group.addTask {
                        try await Workers.blobs.run {
                            let source = GzipCompressor(
                                BytesSource(bytes), hashingInput: LaneHasher(), output: LaneHasher())
                            for _ in ["header", "first block"] { _ = try source.nextBlock() }
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test(arguments: [0, (2 << 20) + 5])
    func systemGzipAgrees(size: Int) throws {
        let path = "/tmp/dray-test-\(getpid())-\(size).gz"
        defer { unlink(path) }
        let packed = try GzipCompressor(BytesSource(SeededBytes.letters(size))).collect()
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        #expect(packed.withUnsafeBytes { write(file, $0.baseAddress, $0.count) } == packed.count)
        close(file)
        var process = pid_t()
        var arguments =
            ["gzip", "-t", path].map { (word: String) -> UnsafeMutablePointer<CChar>? in strdup(word) } + [nil]
        defer { for argument in arguments { free(argument) } }
        #expect(posix_spawnp(&process, "gzip", nil, nil, &arguments, nil) == 0)
        var status: Int32 = -1
        #expect(waitpid(process, &status, 0) == process)
        #expect(status == 0)
    }

    @Test func headerTellsNothingOfTheRun() throws {
        let packed = try GzipCompressor(BytesSource([])).collect()
        #expect(packed == [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    }

    @Test(arguments: [1, 2, 4])
    func readsAheadWithinBounds(threads: Int) throws {
        let upstream = DribblingSource(SeededBytes.noise(16 << 20), piece: 1 << 20)
        let source = GzipCompressor(upstream, threads: threads)
        var read = 0
        try source.forEachPiece(of: 64 << 10) { piece in
            read += piece.count
            // Of noise as much goes in as comes out.
            #expect(upstream.position <= read + (2 * threads + 1) << 20)
        }
        #expect(upstream.position == 16 << 20)
    }

    @Test(arguments: [0, 100, (2 << 20) + 100])
    func upstreamErrorIsNoEnd(count: Int) throws {
        let error = ImageError.io(operation: "read", path: "/x", errno: EIO)
        #expect(throws: error) { try GzipCompressor(ZerosSource(count, then: error), threads: 2).drain() }
    }

    @Test func canBeGivenUpHalfway() throws {
        for _ in 0..<20 {
            let source = GzipCompressor(ZerosSource(8 << 20), threads: 2)
            var bytes = [UInt8](repeating: 0, count: 100)
            #expect(try bytes.withUnsafeMutableBytes { try source.read(into: $0) } > 0)
        }
    }
}

import ByteStreams
import ImageModel
import Testing

struct ZstdCompressorTests {
    @Test(arguments: [nil, 1, 19] as [Int?], [0, 1, 128 << 10, 256 << 10, (1 << 20) + 1])
    func inflatesToItsInput(level: Int?, size: Int) throws {
        for bytes in [SeededBytes.noise(size), SeededBytes.letters(size)] {
            let packed = try ZstdCompressor(BytesSource(bytes), level: level).collect()
            #expect(CompressionFormat.sniff(packed) == .zstd)
            #expect(try InflatingSource(BytesSource(packed), format: .zstd, name: "it").collect() == bytes)
        }
    }

    @Test func dependsOnNothingButInputAndLevel() throws {
        let bytes = SeededBytes.letters((1 << 20) + 321)
        let packed = try ZstdCompressor(BytesSource(bytes)).collect()
        for piece in [1000, 128 << 10, 1 << 20] {
            #expect(try ZstdCompressor(DribblingSource(bytes, piece: piece)).collect(piece: piece) == packed)
        }
    }

    @Test func upstreamErrorIsNoEnd() {
        let error = ImageError.io(operation: "read", path: "/x", errno: 5)
        #expect(throws: error) { try ZstdCompressor(ZerosSource(300_000, then: error)).drain() }
    }
}

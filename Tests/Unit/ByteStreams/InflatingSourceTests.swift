import Testing

import ByteStreams
import ImageModel

struct InflatingSourceTests {
    enum Decoder: CaseIterable {
        case gzip, zlib, zstd

        func pack(_ bytes: [UInt8]) throws -> [UInt8] {
            let upstream = BytesSource(bytes)
            return try self == .zstd ? ZstdCompressor(upstream).collect() : GzipCompressor(upstream).collect()
        }

        func source(_ upstream: any ByteSource, limit: InflationLimit = .standard) throws -> InflatingSource {
            switch self {
            case .gzip: try InflatingSource(upstream, format: .gzip, limit: limit, name: "the layer")
            case .zlib: InflatingSource(upstream, inflater: ZlibInflater(), limit: limit, name: "the layer")
            case .zstd: try InflatingSource(upstream, format: .zstd, limit: limit, name: "the layer")
            }
        }
    }

    @Test(arguments: Decoder.allCases, [1, 2, 7, 4096])
    func piecesOfAnySize(decoder: Decoder, piece: Int) throws {
        for bytes in [SeededBytes.letters(40_000), SeededBytes.noise(3000), [UInt8](repeating: 7, count: 100_000), []] {
            let packed = try decoder.pack(bytes)
            #expect(try decoder.source(DribblingSource(packed, piece: piece)).collect() == bytes)
            #expect(try decoder.source(BytesSource(packed)).collect(piece: piece) == bytes)
            #expect(try decoder.source(DribblingSource(packed, piece: piece)).collect(piece: piece) == bytes)
        }
    }

    /// HTTP's deflate: with zlib's header and checksum, or without.
    @Test(arguments: [true, false], [1, 4096])
    func deflateWithAndWithoutItsHeader(hasHeader: Bool, piece: Int) throws {
        let bytes = SeededBytes.letters(40_000)
        let raw = try GzipCompressor(BytesSource(bytes)).collect().dropFirst(10).dropLast(8)
        var (low, high) = (UInt32(1), UInt32(0))
        for byte in bytes {
            low = (low + UInt32(byte)) % 65_521
            high = (high + low) % 65_521
        }
        let checksum = withUnsafeBytes(of: (high << 16 | low).bigEndian) { Array($0) }
        let packed = hasHeader ? [0x78, 0x9c] + raw + checksum : Array(raw)
        func source(_ packed: [UInt8]) -> InflatingSource {
            InflatingSource(
                DribblingSource(packed, piece: piece), inflater: ZlibInflater(deflate: Array(packed.prefix(2))),
                name: "the body")
        }
        #expect(try source(packed).collect() == bytes)
        #expect(throws: ImageError.self) { try source(packed.dropLast(5)).collect() }
    }

    @Test(arguments: Decoder.allCases)
    func everyTruncationFails(decoder: Decoder) throws {
        for bytes in [SeededBytes.letters(3000), [UInt8](repeating: 7, count: 50_000), []] {
            let packed = try decoder.pack(bytes)
            for count in 0..<packed.count {
                for piece in [7, 1 << 16] {
                    let words = try damage {
                        _ = try decoder.source(BytesSource(Array(packed[..<count]))).collect(piece: piece)
                    }
                    #expect(words?.hasPrefix("the layer is truncated") == true, "\(count) of \(packed.count)")
                    #expect(words?.hasSuffix("at compressed offset \(count)") == true)
                }
            }
        }
    }

    @Test(arguments: Decoder.allCases)
    func noFlippedBitGoesUnnoticed(decoder: Decoder) throws {
        let bytes = SeededBytes.letters(600)
        let packed = try decoder.pack(bytes)
        // The gzip header's time and system stand for nothing.
        for index in (decoder == .zstd ? 0 : 10)..<packed.count {
            for bit in 0..<8 {
                var broken = packed
                broken[index] ^= 1 << bit
                var found: [UInt8] = []
                let words = try damage { found = try decoder.source(BytesSource(broken)).collect() }
                #expect(words != nil || found == bytes, "byte \(index), bit \(bit)")
            }
        }
    }

    @Test(arguments: Decoder.allCases)
    func membersFollowEachOther(decoder: Decoder) throws {
        let parts = [SeededBytes.letters(5000), [], SeededBytes.noise(300), [1], []]
        let packed = try parts.flatMap { try decoder.pack($0) }
        for piece in [1, 13, 1 << 20] {
            #expect(
                try decoder.source(DribblingSource(packed, piece: piece)).collect(piece: 100) == parts.flatMap { $0 })
        }
        let words = try damage { _ = try decoder.source(BytesSource(packed.dropLast())).collect() }
        #expect(words?.contains("truncated") == true)
    }

    @Test(arguments: Decoder.allCases, [1, 512, 300_000])
    func zerosMayFollowAndNothingElse(decoder: Decoder, count: Int) throws {
        let bytes = SeededBytes.letters(1000)
        let packed = try decoder.pack(bytes)
        let zeros = [UInt8](repeating: 0, count: count)
        for piece in [1000, 1 << 20] {
            func inflate(_ all: [UInt8]) throws -> [UInt8] {
                try decoder.source(DribblingSource(all, piece: piece)).collect()
            }
            #expect(try inflate(packed + zeros) == bytes)
            for tail in [zeros + [1], zeros + packed, Array("garbage, and more of it".utf8)] {
                #expect(try damage { _ = try inflate(packed + tail) } != nil)
            }
        }
    }

    @Test(arguments: Decoder.allCases)
    func bombsAreStopped(decoder: Decoder) throws {
        let packer: any ByteSource =
            decoder == .zstd ? ZstdCompressor(ZerosSource(32 << 20)) : GzipCompressor(ZerosSource(32 << 20))
        let packed = try packer.collect()
        let source = try decoder.source(BytesSource(packed), limit: InflationLimit(ratio: 50, allowance: 1 << 20))
        var produced = 0
        do {
            try source.forEachPiece { produced += $0.count }
            Issue.record("nothing stopped it")
        } catch let error as ImageError where error.code == .limit {
            #expect(error.message.contains("the layer inflates") && error.message.contains("50:1"))
        }
        // No more than the ratio allows of the 256 KiB read at once.
        #expect(produced <= 50 * (256 << 10))
        let generous = InflationLimit(ratio: 50, allowance: 32 << 20)
        #expect(try decoder.source(BytesSource(packed), limit: generous).drain() == 32 << 20)
    }

    @Test func standardLimitStopsZstdAndLetsAllGzipThrough() throws {
        let gzip = try GzipCompressor(ZerosSource(100 << 20)).collect()
        #expect(try InflatingSource(BytesSource(gzip), format: .gzip, name: "it").drain() == 100 << 20)
        let zstd = try ZstdCompressor(ZerosSource(100 << 20)).collect()
        #expect(throws: ImageError.self) {
            try InflatingSource(BytesSource(zstd), format: .zstd, name: "it").drain()
        }
    }

    @Test(arguments: [Decoder.gzip, .zlib], [1, 3, 1000])
    func headerWithEveryField(decoder: Decoder, piece: Int) throws {
        let bytes = SeededBytes.letters(2000)
        // Header checksum, extra field, name and comment.
        var packed: [UInt8] = [0x1f, 0x8b, 8, 0b11110, 1, 2, 3, 4, 2, 3]
        packed += [5, 0] + Array("extra".utf8) + Array("name\0comment\0".utf8)
        let sum = crc32(packed)
        packed += [UInt8(truncatingIfNeeded: sum), UInt8(truncatingIfNeeded: sum >> 8)]
        let end = packed.count
        packed += try decoder.pack(bytes).dropFirst(10)
        #expect(try decoder.source(DribblingSource(packed, piece: piece)).collect() == bytes)
        packed[end - 1] ^= 1
        #expect(throws: ImageError.self) { try decoder.source(DribblingSource(packed, piece: piece)).collect() }
    }

    @Test(arguments: Decoder.allCases)
    func upstreamErrorIsNoEnd(decoder: Decoder) throws {
        let error = ImageError.io(operation: "read", path: "/x", errno: 5)
        let source = try decoder.source(ZerosSource(0, then: error))
        #expect(throws: error) { try source.drain() }
    }

    /// A frame's header may ask for any memory.
    @Test func windowsThatAreTooLargeAreRefusedWithAdvice() throws {
        // No content size, window descriptor 18 << 3: 2^28 bytes; then an empty raw block, the last.
        let frame: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd, 0, 18 << 3, 1, 0, 0]
        let words = try damage { _ = try InflatingSource(BytesSource(frame), format: .zstd, name: "it").drain() }
        #expect(words?.contains("128 MiB") == true && words?.contains("--long") == true, "\(words ?? "")")
    }

    @Test func otherFormatsAreRefused() {
        for format in [CompressionFormat.none, .xz, .bzip2] {
            #expect(throws: ImageError.self) {
                try InflatingSource(BytesSource([]), format: format, name: "it")
            }
        }
    }

    @Test func formatsAreTold() {
        #expect(CompressionFormat.sniff([0x1f, 0x8b, 8, 0, 0, 0]) == .gzip)
        #expect(CompressionFormat.sniff([0x28, 0xb5, 0x2f, 0xfd]) == .zstd)
        #expect(CompressionFormat.sniff([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]) == .xz)
        #expect(CompressionFormat.sniff(Array("BZh9".utf8)) == .bzip2)
        #expect(CompressionFormat.sniff([0x1f, 0x8b]) == CompressionFormat.none)
        #expect(CompressionFormat.sniff([]) == CompressionFormat.none)
    }

    /// The slow and obvious way.
    private func crc32(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(~UInt32(0)) { sum, byte in
            (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in (sum >> 1) ^ (sum & 1 == 1 ? 0xedb8_8320 : 0) }
        }
    }
}

import ByteStreams
import Foundation
import ImageModel
import TarArchive
import Testing

struct TarReaderTests {
    private func archive(_ members: [(String, [UInt8])]) -> [UInt8] {
        members.flatMap { path, bytes in
            TarFormat.header(path: path, size: Int64(bytes.count), isDirectory: false) + bytes
                + TarFormat.padding(after: Int64(bytes.count))
        } + TarFormat.end
    }

    @Test func readsWhatIsWritten() throws {
        let members: [(String, [UInt8])] = [
            ("a", []), ("b/c", [1, 2, 3]),
            (String(repeating: "d", count: 90) + "/" + String(repeating: "e", count: 90), [4]),
            ("blobs/sha512/" + String(repeating: "f", count: 128), [5]),
        ]
        let reader = try TarReader(BytesSource(archive(members)), name: "test")
        for (path, bytes) in members {
            let entry = try #require(try reader.next())
            #expect(entry.path == path && entry.kind == .file && entry.size == Int64(bytes.count))
            #expect(try reader.body().readAll(limit: 100, name: path) == bytes)
        }
        #expect(try reader.next() == nil)
    }

    @Test func sizesBeyondOctalAreWritten() throws {
        let header = TarFormat.header(path: "big", size: 10 << 30, isDirectory: false)
        let reader = try TarReader(BytesSource(header), name: "test")
        #expect(try reader.next()?.size == 10 << 30)
    }

    @Test func everyTruncationFails() throws {
        let whole = archive([("a", [UInt8](repeating: 7, count: 700)), ("b", [1])])
        for length in 0..<whole.count where length % 512 != 0 || length == 0 {
            func read() throws {
                let reader = try TarReader(BytesSource(Array(whole[..<length])), name: "test")
                while try reader.next() != nil { _ = try reader.body().drain() }
            }
            // Without its first header, nothing shows that it is a tar.
            if length < 512 {
                #expect(throws: NotATarError.self) { try read() }
            } else {
                #expect(throws: ImageError.self) { try read() }
            }
        }
    }

    /// What may follow the members by Go's `archive/tar`, and what may not.
    static let ends: [(bytes: [UInt8], isRight: Bool)] = {
        let zeros = [UInt8](repeating: 0, count: 512)
        let cut = [UInt8](zeros.dropLast())
        let almost = cut + [1]
        return [
            (zeros + zeros, true), (zeros, true), ([], true), (zeros + zeros + [1], true),
            (zeros + zeros + Array(repeating: 7, count: 9000), true), (zeros + zeros + cut, true),
            (zeros + [0], false), (zeros + cut, false), (zeros + almost, false),
            (zeros + almost + zeros, false), (cut, false), (almost, false),
        ]
    }()

    @Test(arguments: ends.indices, ["cat", "gzip", "zstd -q", "xz", "bzip2"])
    func theEndIsWhatLoadersTake(_ number: Int, _ packer: String) throws {
        let scratch = FileManager.default.temporaryDirectory.appending(path: "tar-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        let tar = archive([("a", [UInt8](repeating: 7, count: 700))]).dropLast(TarFormat.end.count)
        let (end, isRight) = Self.ends[number]
        try Data(tar + end).write(to: URL(filePath: scratch))
        func run(_ make: () throws -> TarReader) throws {
            let fault = try damage {
                let reader = try make()
                while try reader.next() != nil {}
            }
            #expect((fault == nil) == isRight, "\(number): \(fault ?? "")")
        }
        let packed = try Self.pack(Array(tar + end), packer)
        try run { try TarReader(DribblingSource(packed, piece: 700), name: "it") }
        guard packer == "cat" else { return }
        let fault = try damage { _ = try TarIndex(OpenFile(reading: scratch), name: "it") }
        #expect((fault == nil) == isRight, "\(number): \(fault ?? "")")
    }

    /// A stream in a stream inflates further than any limit on one of them says.
    @Test(arguments: ["xz | bzip2", "bzip2 | xz", "bzip2 | bzip2"]) func whatIsPackedTwiceIsNoTar(_ packer: String)
        throws
    {
        let packed = try Self.pack(archive([("a", [1])]), packer)
        let error = #expect(throws: NotATarError.self) { try TarReader(BytesSource(packed), name: "it").next() }
        #expect(error.map { CompressionFormat.sniff($0.start) } != CompressionFormat.none)
    }

    private static func pack(_ bytes: [UInt8], _ packer: String) throws -> [UInt8] {
        let file = FileManager.default.temporaryDirectory.appending(path: "tar-\(UUID().uuidString)").path
        defer { for end in ["", ".packed"] { try? FileManager.default.removeItem(atPath: file + end) } }
        try Data(bytes).write(to: URL(filePath: file))
        let packing = Process()
        packing.executableURL = URL(filePath: "/bin/sh")
        packing.arguments = ["-c", "{ \(packer); } < \(file) > \(file).packed"]
        try packing.run()
        packing.waitUntilExit()
        return Array(try Data(contentsOf: URL(filePath: "\(file).packed")))
    }

    @Test func truncationTellsWhereItIs() throws {
        let whole = archive([("a", [UInt8](repeating: 7, count: 700_000))])
        for length in [512 + 1, 512 + 300_000, 512 + 699_999] {
            let words = try damage {
                let reader = try TarReader(BytesSource(Array(whole[..<length])), name: "test")
                while try reader.next() != nil { _ = try reader.body().drain() }
            }
            #expect(words?.contains("inside of a, \(length - 512) of 700000 bytes in") == true, "\(words ?? "")")
        }
    }

    @Test func deepPathsAreRefused() throws {
        let path = Array(repeating: "a", count: 300).joined(separator: "/")
        let reader = try TarReader(BytesSource(archive([(path, [1])])), name: "test")
        #expect(throws: ImageError.self) { try reader.next() }
    }

    @Test(arguments: ["../a", "/etc/passwd", "a/../../b"])
    func pathsThatLeaveTheRootAreRefused(_ path: String) throws {
        let reader = try TarReader(BytesSource(archive([(path, [1])])), name: "test")
        #expect(throws: ImageError.self) { try reader.next() }
    }

    @Test func textIsNoTar() {
        let text = Array(String(repeating: "hello ", count: 500).utf8)
        let error = #expect(throws: NotATarError.self) {
            _ = try TarReader(BytesSource(text), name: "test").next()
        }
        #expect(error?.start == text && error?.isWhole == true && error?.name == "test")
    }

    /// What begins as a tar is a damaged one, and not something else.
    @Test func aTarThatBreaksOffInItsFirstLongNameIsDamaged() {
        let whole = archive([(String(repeating: "a", count: 200), [1])])
        for length in [512 + 100, 1024 + 100] {
            #expect(throws: ImageError.self) {
                _ = try TarReader(BytesSource(Array(whole[..<length])), name: "test").next()
            }
        }
    }
}

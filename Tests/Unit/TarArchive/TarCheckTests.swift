import ByteStreams
import TarArchive
import Testing

struct TarCheckTests {
    private func fault(_ tar: [UInt8]) throws -> String? {
        try damage { try TarCheck.run(DribblingSource(tar, piece: 700), name: "it") }
    }

    private func member(_ path: String, _ size: Int) -> [UInt8] {
        TarFormat.header(path: path, size: Int64(size), isDirectory: false)
            + SeededBytes.noise(size) + TarFormat.padding(after: Int64(size))
    }

    /// A header with another type.
    private func header(_ type: Character, size: Int, path: String = "x") -> [UInt8] {
        var header = TarFormat.header(path: path, size: Int64(size), isDirectory: false)
        header[156] = type.asciiValue ?? 0
        return summed(header)
    }

    /// With the checksum that goes with it.
    private func summed(_ header: [UInt8]) -> [UInt8] {
        var header = header
        for position in 148..<156 { header[position] = 32 }
        let sum = String(header.reduce(0) { $0 + Int($1) }, radix: 8)
        header.replaceSubrange(
            148..<156, with: Array((String(repeating: "0", count: 6 - sum.count) + sum).utf8) + [0, 32])
        return header
    }

    @Test func soundOnesPass() throws {
        let long = String(repeating: "directory/", count: 30) + "file"
        let members = member("a", 0) + member("/absolute/../b", 1) + member(long, 70_000) + member("c", 512)
        for end in [TarFormat.end, [], [UInt8](repeating: 0, count: 512), TarFormat.end + [1, 2, 3]] {
            #expect(try fault(members + end) == nil)
        }
        #expect(try fault(TarFormat.end) == nil)
        #expect(try fault([]) == nil)
        // What has no content has none, whatever its header says.
        for type in "123456" { #expect(try fault(header(type, size: 5000) + member("a", 3) + TarFormat.end) == nil) }
    }

    private func special(_ type: Character, _ content: String) -> [UInt8] {
        let size = content.utf8.count
        return header(type, size: size) + Array(content.utf8) + TarFormat.padding(after: Int64(size))
    }

    /// A member without a type is a directory if it is called like one, and has no content then.
    @Test func oldDirectoriesHaveNoContent() throws {
        let rest = member("a", 3) + TarFormat.end
        #expect(try fault(header("\0", size: 5000, path: "d/") + rest) == nil)
        #expect(try fault(special("x", "11 path=d/\n") + header("\0", size: 5000) + rest) == nil)
        #expect(try fault(special("L", "d/\0") + header("\0", size: 5000) + rest) == nil)
        #expect(try fault(special("L", "d\0/") + header("\0", size: 5000, path: "d/") + rest) != nil)
        #expect(try fault(special("L", "d/\0") + header("0", size: 5000) + rest) != nil)
        #expect(try fault(special("L", "d/\0") + member("a", 2) + header("\0", size: 5000) + rest) != nil)
    }

    @Test(arguments: [
        ("", true), ("13 size=1024\n", true), ("8 size=\n", true), ("6 a=b\n6 a=c\n", true), ("13 mtime=1.5\n", true),
        ("14 mtime=-1.0\n", true), ("11 mtime=x\n", false), ("9 path=\0\n", false), ("9 what=\0\n", true),
        ("6 a=b", false), ("7 a=b\n", false), ("5 a=b\n", false), ("6 a b\n", false), ("5 =b\n", false),
        ("x a=b\n", false),
        ("99 a=b\n", false), ("6 a=b\n0", false), ("11 size=-1\n", false), ("8 uid=a\n", false),
        ("13 mtime=1.x\n", false),
        ("-6 a=b\n", false), ("6 a=b\n\0\0", false),
    ])
    func paxRecordsAreWhole(_ records: String, isSound: Bool) throws {
        let size = records.contains("1024") ? 1024 : 0
        let own = special("x", records) + header("0", size: size) + SeededBytes.noise(size) + TarFormat.end
        #expect(try (fault(own) == nil) == isSound)
        // What is said for all members is read, and nobody minds what it says.
        let hasNumber = ["size", "mtime", "uid"].contains { records.contains($0) }
        let everybodys = special("g", records) + header("0", size: 0) + TarFormat.end
        #expect(try (fault(everybodys) == nil) == (isSound || hasNumber))
        #expect(try fault(special("x", "6 a=b\n") + TarFormat.end) == nil)
    }

    @Test func aDirectoryHasNoSize() throws {
        #expect(try fault(special("x", "11 size=-1\n") + header("5", size: 0) + TarFormat.end) == nil)
        var negative = header("5", size: 0)
        negative.replaceSubrange(124..<136, with: [UInt8](repeating: 0xff, count: 12))
        #expect(try fault(summed(negative) + TarFormat.end) == nil)
        negative[156] = UInt8(ascii: "0")
        #expect(try fault(summed(negative) + TarFormat.end) != nil)
        for field in [100, 108, 116, 136] {
            var garbled = header("5", size: 0)
            garbled[field] = UInt8(ascii: "x")
            #expect(try fault(summed(garbled) + TarFormat.end) != nil, "byte \(field)")
        }
    }

    @Test func aPaxHeaderTellsTheSize() throws {
        let pax = special("x", "13 size=1024\n")
        #expect(try fault(pax + header("0", size: 0) + SeededBytes.noise(1024) + TarFormat.end) == nil)
        #expect(try fault(pax + header("0", size: 0) + SeededBytes.noise(512))?.contains("512 bytes too early") == true)
    }

    @Test func brokenOnesAreTold() throws {
        let whole = member("a", 2000) + member("b", 10) + TarFormat.end
        #expect(try fault(Array(whole.prefix(1500)))?.contains("breaks off inside of a member") == true)
        #expect(try fault(Array(whole.prefix(2560 + 100)))?.contains("inside of a header") == true)
        for position in [0, 100, 124, 130, 148, 156, 300] {
            var bytes = whole
            bytes[position] ^= 4
            #expect(try fault(bytes) != nil, "byte \(position)")
        }
        #expect(try fault(SeededBytes.noise(5000))?.contains("no sound header") == true)
        #expect(try fault(header("0", size: 1 << 32)) != nil)
        for (end, isRight) in TarReaderTests.ends {
            #expect(try (fault(member("a", 10) + end) == nil) == isRight, "\(end.count) bytes")
        }
    }
}

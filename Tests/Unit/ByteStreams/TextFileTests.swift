import ByteStreams
import ImageModel
import Testing

struct TextFileTests {
    private static let plain = "# näme\nfirst: 1\n\nlast: 末\n"

    /// A text as a program saves it.
    enum Encoding: CaseIterable {
        case utf8, marked, utf16Little, utf16Big

        func bytes(_ text: String) -> [UInt8] {
            switch self {
            case .utf8: Array(text.utf8)
            case .marked: [0xef, 0xbb, 0xbf] + Array(text.utf8)
            case .utf16Little: [0xff, 0xfe] + text.utf16.flatMap { [UInt8($0 & 0xff), UInt8($0 >> 8)] }
            case .utf16Big: [0xfe, 0xff] + text.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] }
            }
        }
    }

    @Test(arguments: Encoding.allCases, ["\n", "\r\n", "\r"])
    func everyEncodingIsTheSameText(_ encoding: Encoding, _ lineEnd: String) throws {
        let bytes = encoding.bytes(Self.plain.replacing("\n", with: lineEnd))
        #expect(try TextFile.decoded(bytes, name: "f") == Array(Self.plain.utf8))
        #expect(
            try TextFile.read(BytesSource(bytes), limit: Self.plain.utf8.count, name: "f") == Array(Self.plain.utf8))
    }

    /// As many bytes as before, and none of them the same.
    @Test func textOfTheSameLengthIsDecoded() throws {
        let bytes: [UInt8] = [0xff, 0xfe, 0x00, 0x4b, 0x84, 0x00, 0x00, 0x71]
        #expect(try TextFile.decoded(bytes, name: "f") == Array("\u{4b00}\u{84}\u{7100}".utf8))
    }

    @Test func lineEndsMayBeMixed() throws {
        #expect(try TextFile.decoded(Array("a\r\r\nb\n\rc\r".utf8), name: "f") == Array("a\n\nb\n\nc\n".utf8))
        #expect(try TextFile.decoded([], name: "f") == [])
        #expect(try TextFile.decoded([0xff, 0xfe], name: "f") == [])
    }

    @Test(
        arguments: [
            // Half a character; a lone surrogate; zeros without a mark; UTF-32.
            ([0xff, 0xfe, 0x61], "invalid UTF-16"), ([0xff, 0xfe, 0x00, 0xd8], "invalid UTF-16"),
            ([0x61, 0, 0x62, 0], "not text"), ([0xef, 0xbb, 0xbf, 0x61, 0], "not text"),
            ([0xff, 0xfe, 0, 0, 0x61, 0, 0, 0], "UTF-32"), ([0, 0, 0xfe, 0xff, 0, 0, 0, 0x61], "UTF-32"),
        ] as [([UInt8], String)])
    func whatIsNoTextIsRefused(_ bytes: [UInt8], _ words: String) {
        let error = #expect(throws: ImageError.self) { try TextFile.decoded(bytes, name: "list.txt") }
        let text = error?.description ?? ""
        #expect(text.hasPrefix("list.txt: ") && text.contains(words) && text.contains("UTF-8"), "\(text)")
    }

    /// Whatever it was saved in.
    @Test(arguments: Encoding.allCases) func theLimitIsOfTheText(_ encoding: Encoding) throws {
        let bytes = encoding.bytes("0123456789")
        #expect(try TextFile.read(BytesSource(bytes), limit: 10, name: "f").count == 10)
        #expect(throws: ImageError.limit("f is larger than the limit of 9 bytes")) {
            try TextFile.read(BytesSource(bytes), limit: 9, name: "f")
        }
    }
}

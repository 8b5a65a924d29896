import FuzzTargets
import ImageModel
import Testing

/// A document that comes in pieces is read, or refused, like one that is at hand.
struct DocumentReaderTests {
    /// A reader of a text in pieces.
    private static func reader(_ text: [UInt8], pieces size: Int, members: MemberNames? = nil) -> DocumentReader {
        var rest = text[...]
        return DocumentReader(name: "it", members: members) { buffer in
            let piece = rest.prefix(min(size, buffer.count))
            buffer.copyBytes(from: piece)
            rest = rest.dropFirst(piece.count)
            return piece.count
        }
    }

    private static func json(_ text: [UInt8], pieces size: Int, depth: Int = 9) throws -> JSONValue {
        var reader = reader(text, pieces: size)
        let value = try reader.json(to: depth)
        try reader.expectEnd()
        return value
    }

    @Test(arguments: [1, 7, 4096]) func valuesAreSkipped(_ size: Int) throws {
        // Larger as a whole than a single entry may be.
        let many = (0..<100_000).map { #"{"n":\#($0),"tags":["x",{"y":[]}],"e":"\"}]","z":null}"# }.joined(
            separator: ",")
        let text = Array(#"{"manifest":{"all":[\#(many)]},"tags":["a","b"],"size":1.5e3}"#.utf8)
        try #require(text.count > Document.sizeLimit)
        var reader = Self.reader(text, pieces: max(size, 512))
        var tags: [String] = []
        let rest = try reader.object { reader, key in
            guard key == "tags" else {
                try reader.skip()
                return true
            }
            try reader.array(of: String.self) { tags.append($0) }
            return true
        }
        try reader.expectEnd()
        #expect(tags == ["a", "b"] && rest == Array("{}".utf8))
        for broken in [#"{"a":{"b":1,"b":2}}"#, #"{"a":[1,}"#, #"{"a":{"b":"#, #"{"a"#] {
            var reader = Self.reader(Array(broken.utf8), pieces: size)
            #expect(throws: ImageError.self, "\(broken)") { try reader.skip() }
        }
    }

    private static let documents = [
        #"{}"#, #"[]"#, #" [ ] "#, #"{"a":1}"#, #"{"a":[1,2,{"b":null}],"c":"x"}"#, #"[[],[[]],{"":{}}]"#, "5", #""a""#,
        "null",
        "\r\n{\t\"a\" : [ true , false ]\n}", #"{"\u0061":"\"\\\/\b\u00e9\ud83d\ude00"}"#,
        #"[-0,1e5,9223372036854775808]"#,
        #"{"caf\u0065\u0301":1,"caf\u00e9":2}"#, #"["[{","]}",":,"]"#, #"{"a":"{\"b\":[","c":[[[[[[[[[[1]]]]]]]]]]}"#,
        // Not JSON.
        "", " ", "{", "[", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1}", "{1}", #"{"a"}"#, #"{"a":}"#, #"{"a" 1}"#,
        #"{"a":1,}"#,
        #"{"a":1 "b":2}"#, #"{"a":1]"#, #"{a:1}"#, "[1]]", "[1] 2", "[tru]", "[nul]", "[01]", "[1.]", "['a']", "[\"a",
        "[\"\n\"]",
        #"["\x"]"#, #"["\ud83d"]"#, #"{"a\":1}"#, #"{"a":{"b":1}"#, "]", "}", ",", ":", "[:]", #"["a":1]"#,
        #"{"a":1:2}"#,
        // What two readers may take for two things.
        #"{"a":1,"a":2}"#, #"{"a":1,"\u0061":2}"#, #"[{"b":{"a":1,"a":1}}]"#, "[\"\u{0}\"]", "\u{0}",
    ]

    @Test(arguments: documents)
    func piecesMakeNoDifference(_ text: String) {
        let bytes = Array(text.utf8)
        let whole = try? Document.value(from: bytes, name: "it")
        for depth in [0, 1, 9] {
            for size in [1, 2, 3, 7, 1 << 20] {
                #expect((try? Self.json(bytes, pieces: size, depth: depth)) == whole, "\(depth), \(size)")
            }
        }
    }

    /// Of documents that are nearly right, too.
    @Test func randomTextMakesNoDifference() {
        var generator = SeededBytes(seed: 7)
        let parts = Self.documents.map { Array($0.utf8) }
        let bytes = Array(#"{}[]",:\u0 1e-.tnfr"#.utf8)
        for _ in 0..<20_000 {
            var text = parts.randomElement(using: &generator) ?? []
            for _ in 0..<Int.random(in: 0...3, using: &generator) where !text.isEmpty {
                let position = Int.random(in: 0..<text.count, using: &generator)
                switch Int.random(in: 0...2, using: &generator) {
                case 0: text.remove(at: position)
                case 1: text[position] = bytes.randomElement(using: &generator) ?? 0
                default: text.insert(contentsOf: parts.randomElement(using: &generator) ?? [], at: position)
                }
            }
            let whole = try? Document.value(from: text, name: "it")
            let size = Int.random(in: 1...9, using: &generator)
            let depth = Int.random(in: 0...4, using: &generator)
            #expect(
                (try? Self.json(text, pieces: size, depth: depth)) == whole, "\(String(decoding: text, as: UTF8.self))")
        }
    }

    @Test func aByteOrderMarkMeansNothing() throws {
        let text = [0xef, 0xbb, 0xbf] + Array(#"{"a":1}"#.utf8)
        for size in [1, 2, 3, 4, 100] {
            #expect(try Self.json(text, pieces: size) == .object(["a": .integer(1)]))
        }
        #expect(throws: ImageError.self) { try Self.json([0xef, 0xbb], pieces: 1) }
        #expect(throws: ImageError.invalidDocument("it is no JSON in UTF-8")) {
            try Self.json([0xff, 0xfe, 0x5b, 0], pieces: 4)
        }
    }

    /// Wherever a member stands, it is spelled as it has to be.
    @Test(arguments: [
        (#"{"Manifests":[]}"#, false), (#"{"manifests":[{"Digest":1}]}"#, false),
        (#"{"annotations":{"Digest":"x"}}"#, true),
        (#"{"manifests":[{"annotations":{"SIZE":"x"}}]}"#, true), (#"{"x":{"annotations":[{"Layers":1}]}}"#, true),
        (#"{"manifests":[{"x":[{"\u0053ize":1}]}]}"#, false), (#"{"Annotations":{}}"#, false),
    ])
    func membersAreSpelledOneWay(_ text: String, _ isFine: Bool) {
        for depth in 0...4 {
            var reader = Self.reader(Array(text.utf8), pieces: 3, members: .manifest)
            #expect((try? reader.json(to: depth)) != nil || !isFine, "\(depth)")
            reader = Self.reader(Array(text.utf8), pieces: 3, members: .manifest)
            #expect((try? reader.json(to: depth)) == nil || isFine, "\(depth)")
        }
    }

    /// As in a whole document, the objects and arrays around an entry count.
    @Test func depthIsThatOfTheDocument() {
        for levels in [60, 64, 65, 70] {
            let text = Array((String(repeating: "[", count: levels) + String(repeating: "]", count: levels)).utf8)
            for depth in [0, 1, 30, 100] {
                #expect(((try? Self.json(text, pieces: 9, depth: depth)) != nil) == (levels <= Document.depthLimit))
            }
        }
    }

    // MARK: Entries

    private struct Entry: Codable, Equatable { var a: Int }

    @Test func elementsOfALargeArrayAreDecoded() throws {
        let entries = (0..<100_000).map { Entry(a: $0) }
        var reader = Self.reader(try Document.encode(["list": entries]), pieces: 1000)
        var found: [Entry] = []
        let rest = try reader.object { reader, key in
            guard key == "list" else { return false }
            try reader.array(of: Entry.self) { found.append($0) }
            return true
        }
        #expect(found == entries && rest == Array("{}".utf8))
    }

    /// A message says which of very many entries is meant.
    @Test func messagesTellThePlace() throws {
        var entries = (0..<50_000).map { #"{"a":\#($0)}"# }
        entries[43_210] = #"{"a":"x"}"#
        let text = #"{"x":{"list":[\#(entries.joined(separator: ","))]}}"#
        var reader = Self.reader(Array(text.utf8), pieces: 4096)
        #expect {
            try reader.object { reader, _ in
                try reader.object { reader, _ in
                    try reader.array(of: Entry.self) { _ in }
                    return true
                }
                return true
            }
        } throws: {
            "\($0)".hasPrefix("it cannot be understood: x.list.[43210].a: ")
        }
    }

    @Test func membersThatAreNotTakenAreAnObject() throws {
        var reader = Self.reader(Array(#"{"a":[1],"b":{"c":"\u0041"},"d":2}"#.utf8), pieces: 2)
        let rest = try reader.object { reader, key in
            guard key == "a" else { return false }
            try reader.array { _ = try $0.entry() }
            return true
        }
        #expect(String(decoding: rest, as: UTF8.self) == #"{"b":{"c":"\u0041"},"d":2}"#)
    }

    // MARK: Hostile documents

    /// Text that has no end.
    private static func endless(_ start: String, _ part: @escaping (Int) -> String) -> DocumentReader {
        var buffer = Array(start.utf8)
        var count = 0
        return DocumentReader(name: "it") { room in
            while buffer.count < room.count {
                buffer += part(count).utf8
                count += 1
            }
            room.copyBytes(from: buffer.prefix(room.count))
            buffer.removeFirst(room.count)
            return room.count
        }
    }

    @Test(arguments: [
        ("spaces", "", " ", "space"), ("spaces in a list", #"{"a":["#, "\n", "space"),
        ("a string", #"["#, #""aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"#, "ends"),
        ("an object in a list", #"[{"#, #""a":1,"#, "entry"),
        ("a number", "[", "1111111111111111111", "entry"), ("a key", #"{"a"#, "aaaaaaaaaaaaaaaaaaaaaaaaaa", "entry"),
        ("an array in a list", "[[", "[],", "entry"), ("depth", "", "[", "levels deep"),
    ])
    func whatHasNoEndIsRefused(_ what: String, _ start: String, _ part: String, _ says: String) {
        var reader = Self.endless(start) { number in what == "a string" && number > 0 ? "aaaaaaaaaaaaaaaa" : part }
        #expect {
            _ = try reader.json(to: what == "depth" ? 100 : 1)
        } throws: {
            "\($0)".contains(says) || "\($0)".contains("entry")
        }
    }

    /// Each entry takes memory, be it as small as it may.
    @Test func entriesWithoutEndAreRefused() {
        var reader = Self.endless("[") { _ in "1," }
        #expect(
            throws: ImageError.invalidDocument("it has more than \(Document.entryLimit) entries, which is the limit")
        ) {
            try reader.array { _ = try $0.entry() }
        }
    }
}

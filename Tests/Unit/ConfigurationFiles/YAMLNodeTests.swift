import ConfigurationFiles
import ImageModel
import RegistryServer
import Testing

struct YAMLNodeTests {
    private func parse(_ text: String) throws(YAMLError) -> YAMLNode {
        try YAMLNode(parsing: Array(text.utf8), from: .file("f"))
    }

    /// On one line: text in quotes, unless it is plain.
    private func shape(_ node: YAMLNode) -> String {
        switch node.content {
        case .scalar(let text, let isPlain): isPlain ? text : "'\(text)'"
        case .sequence(let nodes): "[" + nodes.map(shape).joined(separator: ",") + "]"
        case .mapping(let entries): "{" + entries.map { "\($0.key):\(shape($0.value))" }.joined(separator: ",") + "}"
        }
    }

    @Test(
        arguments: [
            ("a: 1\nb: [x, 'y', \"z\"]\n", "{a:1,b:[x,'y','z']}"), ("", ""), ("# nothing\n", ""),
            ("---\na: b\n...\n", "{a:b}"), ("a: 1\na: 2\n", "{a:1,a:2}"), ("a:\n  - b\n  - c: d\n", "{a:[b,{c:d}]}"),
            ("a: &x {k: v}\nb: *x\n", "{a:{k:v},b:{k:v}}"), ("a: !!str 5\nb: ! 6\nc: !!int '7'\n", "{a:'5',b:'6',c:7}"),
            ("a: &x {k: 1, l: 2}\nb: {<<: *x, l: 3}\n", "{a:{k:1,l:2},b:{k:1,l:3}}"),
            ("<<: [{a: 1, b: 1}, {b: 2, c: 2}]\n", "{a:1,b:1,c:2}"), ("'<<': 1\n", "{<<:1}"),
            ("a: |\n  one\n  two\n", "{a:'one\ntwo\n'}"), ("\u{feff}a: b\n", "{a:b}"), ("a: \"\\0\"\n", "{a:'\0'}"),
            ("&k a: 1\nb: *k\n", "{a:1,b:a}"), ("? a\n: b\n", "{a:b}"), ("{\"a\": 1}", "{a:1}"),
        ])
    func reads(_ text: String, _ expected: String) throws {
        #expect(try shape(parse(text)) == expected)
    }

    @Test func placesAreKept() throws {
        guard case .mapping(let entries) = try parse("# x\na:\n  b: [c, d]\n").content,
            case .mapping(let inner) = entries[0].value.content,
            case .sequence(let nodes) = inner[0].value.content
        else {
            Issue.record("not the mapping that was written")
            return
        }
        #expect(entries[0].place == YAMLPlace(.file("f"), line: 2, column: 1))
        #expect(inner[0].place == YAMLPlace(.file("f"), line: 3, column: 3))
        #expect(nodes[1].place == YAMLPlace(.file("f"), line: 3, column: 10))
    }

    @Test(
        arguments: [
            (
                "a: [1\nb: 2\n",
                "f:2:2: did not find expected ',' or ']' while parsing a flow sequence that begins in line 1"
            ),
            ("a: b: c\n", "f:1:5: mapping values are not allowed in this context"),
            (
                "a:\n\tb: c\n",
                "f:2:1: found character that cannot start any token while scanning for the next token; "
                    + "indent with spaces, not with tabs"
            ),
            ("a: *x\n", "f:1:4: an alias (*) of nothing that ends above it"),
            ("a: &x [*x]\n", "f:1:8: an alias (*) of nothing that ends above it"),
            ("a: b\n---\nc: d\n", "f:2:1: a second document begins: only one may be in the file"),
            ("[a]: b\n", "f:1:1: a key that is a list: keys are single values"),
            ("a: !!binary c2VjcmV0\n", "f:1:4: a tag (!...) that is not understood here: leave it out"),
            ("a: !own {b: c}\n", "f:1:4: a tag (!...) that is not understood here: leave it out"),
            ("a:\n  <<: b\n", "f:2:7: << takes a mapping, or a list of mappings"),
        ])
    func refuses(_ text: String, _ expected: String) {
        let error = #expect(throws: YAMLError.self) { try parse(text) }
        #expect(error?.description == expected)
    }

    @Test(
        arguments: [
            ([0x61, 0x3a, 0x20, 0x00], "f:1:4: control characters are not allowed: the file has to be text in UTF-8"),
            ([0x61, 0x0a, 0xff], "f:2:1: invalid leading UTF-8 octet: the file has to be text in UTF-8"),
            ([0xc3, 0x28], "f:1:2: invalid trailing UTF-8 octet: the file has to be text in UTF-8"),
            ([0x61, 0xe2, 0x82], "f:1:2: incomplete UTF-8 octet sequence: the file has to be text in UTF-8"),
        ] as [([UInt8], String)])
    func refusesBytesThatAreNoText(_ bytes: [UInt8], _ expected: String) {
        let error = #expect(throws: YAMLError.self) { try YAMLNode(parsing: bytes, from: .file("f")) }
        #expect(error?.description == expected)
    }

    @Test(arguments: [("[", "]"), ("{a: ", "}"), ("- ", "")])
    func depthIsBounded(_ open: String, _ close: String) throws {
        func nested(_ depth: Int) -> String {
            String(repeating: open, count: depth) + "x" + String(repeating: close, count: depth)
        }
        _ = try parse(nested(64))
        for depth in [65, 10_000] {
            let error = #expect(throws: YAMLError.self) { try parse(nested(depth)) }
            #expect(error?.problem == "nested deeper than 64 levels")
        }
    }

    @Test func depthCountsWhatAliasesStandFor() {
        let half = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
        let error = #expect(throws: YAMLError.self) {
            try parse("a: &x \(half)\nb: " + half.replacing("[]", with: "[*x]"))
        }
        #expect(error?.problem == "nested deeper than 64 levels")
    }

    @Test func billionLaughsAreRefused() {
        var text = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n"
        for level in 1...30 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(aliases)]\n"
        }
        let error = #expect(throws: YAMLError.self) { try parse(text) }
        #expect(error?.problem.hasPrefix("more than 100000 values up to here") == true)
        #expect(error?.place.line == 5)
    }

    @Test func manyValuesAreRefused() {
        let error = #expect(throws: YAMLError.self) { try parse(String(repeating: "- a\n", count: 200_000)) }
        #expect(error?.problem.hasPrefix("more than 100000 values up to here") == true)
    }

    @Test func hugeFilesAreRefused() throws {
        _ = try parse("a: " + String(repeating: "x", count: YAMLNode.sizeLimit - 3))
        let error = #expect(throws: YAMLError.self) {
            try parse("a: " + String(repeating: "x", count: YAMLNode.sizeLimit))
        }
        #expect(error?.description == "f: larger than 1048576 bytes, which no configuration is")
    }

    /// Whatever stands in the file, there is an answer.
    @Test func damagedFilesAreAnswered() {
        let good = Array(
            """
            version: 0.1
            storage: &a {filesystem: {rootdirectory: "/srv\\n"}, delete: {enabled: true}}
            http:
              addr: ':5000'
              headers: {A: [x, 'y']}
            log: {<<: *a, fields: {b: !!str 1}}
            health: {file: [{file: |
              x
            }]}

            """.utf8)
        let pieces = [
            "*a", "&a ", "[", "]", "{", "}", "- ", ": ", "\n", "\t", "? ", "<<: ", "!!", "\"", "'", "\u{0}", "%",
        ]
        var generator = SeededBytes(seed: 5)
        for _ in 0..<3000 {
            var bytes = good
            for _ in 0...Int.random(in: 0..<4, using: &generator) {
                let start = Int.random(in: 0...bytes.count, using: &generator)
                let end = min(bytes.count, start + Int.random(in: 0..<4, using: &generator))
                let piece = pieces.randomElement(using: &generator) ?? ""
                bytes.replaceSubrange(start..<end, with: piece.utf8)
            }
            if Bool.random(using: &generator) { bytes.append(UInt8.random(in: 0...255, using: &generator)) }
            do {
                _ = try ServerConfiguration.read(bytes, name: "f", environment: [:])
            } catch {
                #expect(error.lines.allSatisfy { $0.hasPrefix("f:") })
            }
        }
    }
}

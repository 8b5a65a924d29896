import ConfigurationFiles
import Testing

/// Expected values are those of Python's tomllib.
struct TOMLParserTests {
    @Test(
        arguments: [
            ("", [:]),
            ("a = 'b' # c", ["a": .string("b")]),
            ("\n\t a.b = true\r\na.c = false", ["a": .table(["b": .boolean(true), "c": .boolean(false)])]),
            (#""x y".'z' = "\t\"\\A\U0001F600""#, ["x y": .table(["z": .string("\t\"\\A\u{1F600}")])]),
            (#"a = ["b", 'c', # d"# + "\n  'e',\n]", ["a": .array([.string("b"), .string("c"), .string("e")])]),
            ("a = []\nb = {}", ["a": .array([]), "b": .table([:])]),
            ("a = { b = 1, c.d = 'e' }", ["a": .table(["b": .other("1"), "c": .table(["d": .string("e")])])]),
            ("a = \"\"\"\nb\n  c \\\n   d\"\"\"\"", ["a": .string("b\n  c d\"")]),
            ("a = '''\n'b'\\n''c'''''", ["a": .string("'b'\\n''c''")]),
            ("a = ''\nb = \"\"", ["a": .string(""), "b": .string("")]),
            ("a = \"\u{301}b\"", ["a": .string("\u{301}b")]),
            (
                "a = -1_000.5e+3\nb = +inf\nc = 1979-05-27 07:32:00Z\nd = 0xdead",
                [
                    "a": .other("-1_000.5e+3"), "b": .other("+inf"), "c": .other("1979-05-27 07:32:00Z"),
                    "d": .other("0xdead"),
                ]
            ),
            ("[a.b]\nc = 'd'\n[a]\ne = 'f'", ["a": .table(["b": .table(["c": .string("d")]), "e": .string("f")])]),
            (
                "[[a]]\nb = 1\n[[a.c]]\nd = 2\n[[a.c]]\n[[a]]\n",
                [
                    "a": .array([
                        .table(["b": .other("1"), "c": .array([.table(["d": .other("2")]), .table([:])])]), .table([:]),
                    ])
                ]
            ),
        ] as [(String, [String: TOMLValue])])
    func reads(_ text: String, _ expected: [String: TOMLValue]) throws {
        #expect(try TOMLParser.parse(text) == .table(expected))
    }

    @Test(
        arguments: [
            ("a", 1, 2), ("a = ", 1, 5), ("a = b", 1, 5), ("a = 'b", 1, 7), ("a = 'b\n'", 1, 7), ("a = 1 b", 1, 7),
            ("a = 1\na = 2", 2, 1), ("[a]\n[a]", 2, 1), ("a = 1\n[a]", 2, 1), ("a = 1\n[a.b]", 2, 1),
            ("[[a]]\n[a]", 2, 1), ("a = []\n[[a]]", 2, 1), ("a.b = 1\n[a]", 2, 1), ("[a", 1, 3), ("[a]]", 1, 4),
            ("[]", 1, 2), ("a = [1", 1, 7), ("a = [1 2]", 1, 8), ("a = {b = 1", 1, 11), ("a = {b = 1\n}", 1, 11),
            (#"a = "\x""#, 1, 8), (#"a = "\ud800""#, 1, 8), (#"a = "\u12"#, 1, 8), ("= 1", 1, 1), ("a..b = 1", 1, 3),
            ("[[a]]\n[x]\n[a.b]\na.b = 1\n[[a]]\nb = 1\nb.c = 2", 7, 1), (#"""a""" = 1"#, 1, 3),
        ])
    func saysWhere(_ text: String, _ line: Int, _ column: Int) throws {
        let error = try #require(throws: TOMLError.self) { try TOMLParser.parse(text) }
        #expect(error.line == line && error.column == column, "\(error)")
    }

    @Test func depthIsLimited() {
        for text in [
            "a = " + String(repeating: "[", count: 100_000), "a = " + String(repeating: "{a=", count: 100_000),
            Array(repeating: "a", count: 100_000).joined(separator: ".") + " = 1",
        ] {
            #expect(throws: TOMLError.self) { try TOMLParser.parse(text) }
        }
    }
}

import ConfigurationFiles
import ImageModel
import Testing

struct TextPatternTests {
    @Test(
        arguments: [
            ("3.*", "3.19", true), ("3.*", "13.19", false), ("3.*", "3", false), ("*", "", true), ("v?", "v1", true),
            ("v?", "v", false), ("v[0-9]", "v7", true), ("v[!0-9]", "v7", false), ("[]a]", "]", true),
            ("a\\*", "a*", true), ("a\\*", "ab", false), ("team/*", "team/a", true), ("team/*", "team/a/b", false),
            ("team/**", "team/a/b", true), ("*-rc*", "1.0-rc.1", true), ("1.0", "1x0", false), ("[a-c]x", "bx", true),
        ])
    func globs(_ glob: String, _ name: String, _ fits: Bool) throws {
        #expect(try TextPattern(glob: glob).matches(name) == fits)
    }

    @Test(
        arguments: [
            ("^v\\d+\\.\\d+$", "v1.29", true), ("^v\\d+\\.\\d+$", "v1.29.1", false), ("3\\.19", "alpine3.19.1", true),
            ("^3.19$", "3x19", true), ("^(a|bc)+$", "abcbca", true), ("^(a|bc)+$", "abb", false),
            ("^a{2,3}$", "aaa", true),
            ("^a{2,3}$", "aaaa", false), ("^a{2}$", "aa", true), ("^a{2,}$", "aaaaa", true), ("^a{2,}$", "a", false),
            ("^(?:x|y)?z$", "z", true), ("^(?:x|y)?z$", "xyz", false), ("[^0-9]", "123", false),
            ("[\\w-]+$", "!-", true),
            ("^$", "", true), ("^$", "a", false), ("|b", "c", true), ("^a|b$", "xb", true), ("^a+?$", "aaa", true),
            ("\\D", "12a", true), ("^\\S*$", "a b", false), ("a.c", "xabcx", true), ("(^|-)rc", "1-rc", true),
        ])
    func expressions(_ expression: String, _ name: String, _ fits: Bool) throws {
        #expect(try TextPattern(expression: expression).matches(name) == fits)
    }

    @Test(arguments: ["", "(", ")", "[a", "a{", "a{3,2}", "a{256}", "*a", "a**", "\\", "\\1", "(?=a)", "[z-a]", "\\bx"])
    func refusesWhatItDoesNotUnderstand(_ expression: String) {
        #expect(throws: ImageError.self) { try TextPattern(expression: expression) }
    }

    @Test(arguments: [
        String(repeating: "(", count: 60) + String(repeating: ")", count: 60), "((((a{255}){255}){255}){255})",
        String(repeating: "a", count: 1001),
    ])
    func refusesWhatIsTooLarge(_ expression: String) {
        #expect(throws: ImageError.self) { try TextPattern(expression: expression) }
    }

    /// For which a matcher that backtracks needs longer than anybody lives.
    @Test(arguments: ["^(a+)+$", "^(a|a)*$", "^(a*)*b$", "^(a?){100}a{100}$", "^(.*)*.*(.*)*c$"])
    func isNeverSlow(_ expression: String) throws {
        #expect(try !TextPattern(expression: expression).matches(String(repeating: "a", count: 99) + "!"))
    }

    /// Nothing, repeated as often as patterns may say it, would be compiled for years.
    @Test func nothingIsRepeatedInNoTime() throws {
        let nothing = String(repeating: "(", count: 40) + String(repeating: "){255}", count: 40)
        #expect(try TextPattern(expression: "^a\(nothing)$").matches("a"))
    }
}

/// What a name has to look like: a glob or a regular expression.
///
/// Both are matched in time that grows with the name's length alone, whatever the pattern: nothing backtracks, so a
/// pattern from somebody else's file cannot keep a run busy.
package struct TextPattern: Hashable, Sendable, CustomStringConvertible {
    /// As it was written.
    package let description: String
    private let program: PatternProgram

    /// `*` is any characters but `/`, `**` any at all, `?` is one character but `/`, `[a-z]` one of these and `[!a-z]`
    /// one of all others; `\` takes the next character as it is. The whole name has to fit.
    ///
    /// - Throws: `ImageError`.
    package init(glob text: String) throws(ImageError) {
        description = text
        var parser = try PatternParser(text)
        program = try PatternProgram(parser.glob(), isWhole: true)
    }

    /// A part of the name has to fit, as grep(1) does it; `^` and `$` tie the pattern to its ends. There are `.`,
    /// `[...]`, `\d`, `\w`, `\s` and their opposites, groups, `|`, `*`, `+`, `?` and `{n,m}`; no references back, and
    /// no looking around.
    ///
    /// - Throws: `ImageError`.
    package init(expression text: String) throws(ImageError) {
        description = text
        var parser = try PatternParser(text)
        program = try PatternProgram(parser.expression(), isWhole: false)
    }

    package func matches(_ name: some StringProtocol) -> Bool {
        var name = String(name)
        return name.withUTF8 { program.matches($0) }
    }

    package static func == (one: TextPattern, other: TextPattern) -> Bool {
        one.description == other.description && one.program.isWhole == other.program.isWhole
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(description) }
}

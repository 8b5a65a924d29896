import ByteStreams
import DrayKit

/// Words that are no option of any command of dray: as Windows has them, and as word processors make them.
enum WordHints {
    /// What is wrong with the first of such words, and what to write instead.
    ///
    /// - Returns: nil if there is none.
    static func complaint(_ arguments: [String]) -> String? {
        let words = arguments.prefix { $0 != "--" }
        for word in words where !isPath(word) {
            if helps.contains(word.lowercased()) { return "no option \(word); write --help" }
            if let complaint = longDash(word) { return complaint }
        }
        let suspects = words.filter(hasOneHyphen)
        guard !suspects.isEmpty, let options = try? options(of: arguments[0]) else { return nil }
        return suspects.lazy.compactMap { oneHyphen($0, options, arguments) }.first
    }

    private static let helps: Set = ["/?", "/help", "-?", "-help"]
    private static let dashes: Set<Character> = ["\u{2012}", "\u{2013}", "\u{2014}", "\u{2015}", "\u{2212}"]

    /// - Parameter word: a command, or an option without one.
    private static func options(of word: String) throws -> CommandOptions {
        if let command = RootCommand.command(named: word) { return try CommandOptions(command) }
        return try CommandOptions(RootCommand.self)
    }

    private static func isPath(_ word: String) -> Bool { (try? fileKind(word)) ?? nil != nil }

    /// Editors make a dash of two hyphens.
    private static func longDash(_ word: String) -> String? {
        let start = word.prefix { dashes.contains($0) || $0 == "-" }
        guard start.contains(where: dashes.contains) else { return nil }
        let name = word.dropFirst(start.count).prefix { $0 != "=" }
        let shown = ImageReference.printable(String(start + name))
        let isLetter = name.count == 1
        return "'\(shown)': a long dash instead of \(isLetter ? "a hyphen" : "two hyphens"); write "
            + "\(isLetter ? "-" : "--")\(ImageReference.printable(String(name)))"
    }

    private static func hasOneHyphen(_ word: String) -> Bool {
        word.first == "-" && word.dropFirst().first?.isLetter == true
            && word.dropFirst(2).first.map { $0 != "=" } ?? false
    }

    /// A word after one hyphen, unless it is made of the command's letters: ArgumentParser would take it apart, and find
    /// `-h` in it.
    private static func oneHyphen(_ word: String, _ options: CommandOptions, _ arguments: [String]) -> String? {
        let name = String(word.dropFirst().prefix { $0 != "=" })
        guard !name.allSatisfy({ options.letters.contains(String($0)) }) else { return nil }
        let lowercased = name.lowercased()
        if options.longNames.contains(lowercased) {
            return "no option -\(name); options have two hyphens: --\(lowercased)"
        }
        // What follows a letter may be its value, and that a password.
        let letter = "-\(name.prefix(1))"
        if let advice = OptionHints.advice(letter, in: arguments) { return "no option \(letter); \(advice)" }
        let isWord = name.allSatisfy { $0.isLetter || $0 == "-" }
        return "no option \(isWord ? "-\(name)" : letter); options have two hyphens: --help lists them"
    }
}

/// A glob over repositories, as references have it: `*` stands for any characters, `/` among them, so that `team/*` is
/// everything below `team`. In `TextPattern`'s globs, that is `**`.
package struct RepositoryPattern: Hashable, Sendable, CustomStringConvertible {
    package let description: String
    private let pattern: TextPattern

    /// - Returns: nil for a text without a `*`, and for one that could match no repository.
    package init?(_ text: String) {
        guard text.contains("*"), ImageName.isRepository(text.replacing("*", with: "x")),
            let pattern = try? TextPattern(glob: text.replacing("*", with: "**"))
        else { return nil }
        description = text
        self.pattern = pattern
    }

    /// The path above all that it matches: `team` of `team/*`; empty if there is none.
    package var folder: String {
        let fixed = description.prefix { $0 != "*" }
        return fixed.lastIndex(of: "/").map { String(fixed[..<$0]) } ?? ""
    }

    package func matches(_ repository: String) -> Bool { pattern.matches(repository) }
}

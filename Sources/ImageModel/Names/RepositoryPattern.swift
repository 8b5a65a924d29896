import Glibc

/// Repositories whose names have something in common: a `*` stands for any characters, `/` among them, so that
/// `team/*` is all that is below `team`.
package struct RepositoryPattern: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    /// - Returns: nil for what has no `*`, or could match no repository.
    package init?(_ text: String) {
        guard text.contains("*"), ImageName.isRepository(text.replacing("*", with: "x")) else { return nil }
        description = text
    }

    /// The path above all that it matches: `team` of `team/*`; empty if there is none.
    package var folder: String {
        let fixed = description.prefix { $0 != "*" }
        return fixed.lastIndex(of: "/").map { String(fixed[..<$0]) } ?? ""
    }

    package func matches(_ repository: String) -> Bool { fnmatch(description, repository, 0) == 0 }
}

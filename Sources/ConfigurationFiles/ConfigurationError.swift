/// All that is wrong with a configuration.
package struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    /// One sentence each, in the order of the file: `FILE:LINE: KEY: what is wrong: what would be right`, with the
    /// variable's name for `FILE:LINE` where an environment variable says it. They hold no secrets.
    package var mistakes: [String]

    package init(_ mistakes: [String]) { self.mistakes = mistakes }

    /// One line for each mistake.
    package var description: String { mistakes.joined(separator: "\n") }
}

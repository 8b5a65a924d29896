/// The options that messages advise, spelled as the command at hand has them; nil where it has none.
package struct OptionNames: Hashable, Sendable {
    package var prefix: String?
    package var name: String?
    package var onExisting: String?
    package var platform: String?
    package var format: String?
    package var compression: String?
    package var base: String?

    package init() {}

    /// Advice that names an option, to follow a message; empty where the command has no such option.
    func advice(_ option: KeyPath<OptionNames, String?>, _ text: (String) -> String) -> String {
        self[keyPath: option].map { "; " + text($0) } ?? ""
    }
}

/// The options that messages advise, spelled as the command at hand has them; nil where it has none.
public struct OptionNames: Hashable, Sendable {
    public var prefix: String?
    public var name: String?
    public var onExisting: String?
    public var platform: String?
    public var format: String?
    public var compression: String?
    public var base: String?

    public init() {}

    /// Advice that names an option, to follow a message; empty where the command has no such option.
    func advice(_ option: KeyPath<OptionNames, String?>, _ text: (String) -> String) -> String {
        self[keyPath: option].map { "; " + text($0) } ?? ""
    }
}

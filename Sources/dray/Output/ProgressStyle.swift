import ArgumentParser

/// How progress is shown.
enum ProgressStyle: String, CaseIterable, ExpressibleByArgument, Sendable {
    case auto
    case plain
    case json
    case none
    /// What `auto` is on a terminal.
    case bar

    static var allCases: [ProgressStyle] { [.auto, .plain, .json, .none] }

    init?(argument: String) {
        guard let style = ProgressStyle(rawValue: argument.lowercased()), style != .bar else { return nil }
        self = style
    }

    /// What `auto` means here.
    func resolved(for console: Console) -> ProgressStyle {
        guard self == .auto else { return self }
        if console.isQuiet { return .none }
        return console.status.isTerminal ? .bar : .plain
    }
}

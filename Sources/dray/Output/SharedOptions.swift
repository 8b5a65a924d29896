import ArgumentParser

/// What every command understands.
struct SharedOptions: ParsableArguments {
    @Option(
        name: .customLong("output"),
        help: ArgumentHelp("How results are written to standard output.", valueName: "format"))
    var format = OutputFormat.text

    @Flag(help: .hidden)
    var json = false

    @Option(
        help: ArgumentHelp(
            "How progress is shown on standard error: auto is a bar on a terminal and a line every 5 seconds elsewhere.",
            valueName: "style"))
    var progress = ProgressStyle.auto

    @Flag(name: .shortAndLong, help: "Say more about what is done.")
    var verbose = false

    @Flag(help: .hidden)
    var debug = false

    @Flag(name: .shortAndLong, help: "Say nothing but results and errors.")
    var quiet = false

    var output: OutputFormat { json ? .json : format }
    var isVerbose: Bool { verbose || debug }
}

/// How results are written.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument, Sendable {
    case text
    case json

    init?(argument: String) { self.init(rawValue: argument.lowercased()) }
}

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

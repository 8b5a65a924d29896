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

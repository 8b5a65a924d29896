import ArgumentParser

/// How results are written.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument, Sendable {
    case text
    case json

    init?(argument: String) { self.init(rawValue: argument.lowercased()) }
}

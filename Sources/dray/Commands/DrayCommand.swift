import ArgumentParser

/// One of dray's commands.
protocol DrayCommand: ParsableCommand, Sendable {
    var shared: SharedOptions { get }

    func run(_ console: Console) async throws -> ExitStatus
}

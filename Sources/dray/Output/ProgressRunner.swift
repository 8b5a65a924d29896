import ImageTransfer

/// Work whose progress is shown while it runs, in the style that the user wants.
struct ProgressRunner {
    let console: Console
    let progress: Progress

    init(_ console: Console) {
        self.console = console
        let tellsEvents = console.progressStyle == .json
        progress = Progress(
            remarks: { console.note(Printable.line($0)) },
            events: { if tellsEvents { console.line(EventLine($0)) } })
    }

    func copy(
        _ selections: [CopySelection], to destination: any ImageDestination, _ options: CopyOptions
    ) async throws -> CopyReport {
        try await run { try await Copier(options: options, progress: progress).copy(selections, to: destination) }
    }

    /// - Parameter body: what tells `progress` how far it is.
    func run<Result>(_ body: () async throws -> Result) async throws -> Result {
        let reporter = ProgressReporter(progress, console: console)
        do {
            let result = try await body()
            await reporter.stop()
            return result
        } catch {
            await reporter.stop()
            throw error
        }
    }
}

import ImageTransfer

/// A copy whose progress is shown while it runs.
struct CopyRunner {
    let console: Console
    let progress: Progress

    init(_ console: Console) {
        self.console = console
        progress = Progress { console.note(Printable.line($0)) }
    }

    func copy(
        _ selections: [CopySelection], to destination: any ImageDestination, _ options: CopyOptions
    ) async throws -> CopyReport {
        let reporter = ProgressReporter(progress, console: console)
        do {
            let report = try await Copier(options: options, progress: progress).copy(selections, to: destination)
            await reporter.stop()
            return report
        } catch {
            await reporter.stop()
            throw error
        }
    }
}

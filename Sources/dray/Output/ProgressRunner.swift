import ByteStreams
import ImageTransfer
import Synchronization

/// Work whose progress is shown while it runs, in the style that the user wants, and that may be interrupted.
struct ProgressRunner {
    let console: Console
    let progress: Progress
    private let failed = FailureLog()
    /// What has failed so far.
    var failures: [CopyReport.Failure] { failed.all.withLock { $0 } }

    private final class FailureLog: Sendable {
        let all = Mutex<[CopyReport.Failure]>([])
    }

    /// Of what is there by then, a second run makes use.
    static let goesOn = "run the same command again, and what was copied by now is not copied again"
    private static let beginsAnew = "nothing is half-made: run the same command again"
    private static let isCutOff = "what came out by now is no whole archive: run the same command again"

    init(_ console: Console) {
        self.console = console
        let tellsEvents = console.progressStyle == .json
        progress = Progress(
            remarks: { console.note(Printable.line($0)) },
            events: { [failed] event in
                if case .failure(let failure) = event { failed.all.withLock { $0.append(failure) } }
                if tellsEvents { console.line(EventLine(event)) }
            })
    }

    func copy(
        _ selections: [CopySelection], to destination: any ImageDestination, _ options: CopyOptions
    ) async throws -> CopyReport {
        let traits = destination.traits
        let advice = traits.needsSizeFirst ? Self.isCutOff : traits.appearsAtOnce ? Self.beginsAnew : Self.goesOn
        return try await run(ifInterrupted: options.dryRun ? nil : advice) {
            try await Copier(options: options, progress: progress).copy(selections, to: destination)
        }
    }

    /// - Parameters:
    ///   - advice: what the user can do who stops it; nil where that is plain.
    ///   - body: what tells `progress` how far it is.
    func run<Result>(
        ifInterrupted advice: @autoclosure @escaping @Sendable () -> String? = beginsAnew,
        _ body: () async throws -> Result
    ) async throws -> Result {
        let reporter = ProgressReporter(progress, console: console)
        Interruption.whenStopped { [console] in
            console.status.show("")
            console.note("interrupted" + (advice().map { "; \($0)" } ?? ""))
        }
        defer { Interruption.whenStopped(nil) }
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

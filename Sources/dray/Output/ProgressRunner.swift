import ByteStreams
import ImageTransfer
import Synchronization

/// Work whose progress is shown while it runs, in the style that the user wants, and that may be interrupted.
struct ProgressRunner: Sendable {
    let console: Console
    let progress: Progress
    /// Whether each image's line is printed when it is done.
    let printsImages: Bool
    private let log: EventLog
    /// Images that are done so far.
    var images: [CopyReport.Image] { log.state.withLock { $0.images } }
    /// What has failed so far.
    var failures: [CopyReport.Failure] { log.state.withLock { $0.failures } }

    private final class EventLog: Sendable {
        struct State {
            var images: [CopyReport.Image] = []
            var failures: [CopyReport.Failure] = []
            var interruption: (@Sendable () -> Void)?
            var progress: Progress?
            /// What broke standard output.
            var outputError: (any Error)?
        }

        let state = Mutex(State())

        /// A line on standard output, as long as somebody reads that.
        func print(_ line: String) {
            state.withLock { state in
                guard state.outputError == nil else { return }
                do { try StandardOutput().write(Array("\(line)\n".utf8)) } catch { state.outputError = error }
            }
        }
    }

    private static let again = "run the same command again"
    private static let goesOn = "run the same command again: whole layers that have arrived are not copied again"
    private static let beginsAnew = "nothing is half-made: run the same command again"
    private static let isCutOff = "the archive is incomplete; run the same command again"

    /// - Parameters:
    ///   - imageLine: what is said of an image when it is done; nil if nothing is.
    ///   - toStandardError: whether standard output is used for something else.
    init(
        _ console: Console, imageLine: (@Sendable (CopyReport.Image) -> String)? = nil, toStandardError: Bool = false
    ) {
        self.console = console
        let style = console.progressStyle.resolved(for: console)
        let log = EventLog()
        self.log = log
        printsImages = imageLine != nil && console.format == .text
        let printsImages = printsImages
        let sharesTerminal = toStandardError || style == .bar && StandardOutput.isTerminal
        self.progress = Progress(
            remarks: { console.note(Printable.line($0)) },
            events: { event in
                switch event {
                case .failure(let failure): log.state.withLock { $0.failures.append(failure) }
                case .image(let image):
                    let (count, total) = log.state.withLock { state in
                        state.images.append(image)
                        return (state.images.count, state.progress?.images ?? 0)
                    }
                    guard let line = imageLine?(image), !(console.isQuiet && image.isPresent) else { break }
                    if printsImages, sharesTerminal {
                        console.status.print(Printable.line(line))
                    } else if printsImages {
                        log.print(Printable.line(line))
                    } else if style == .plain || style == .bar, total > 1, !image.isPresent {
                        console.status.print(Printable.line("dray: \(count) of \(total) images: \(line)"))
                    }
                case .plan: break
                }
                if style == .json { console.line(EventLine(event)) }
            })
        log.state.withLock { [progress] in $0.progress = progress }
    }

    func copy(
        _ selections: [CopySelection], to destination: any ImageDestination, _ options: CopyOptions
    ) async throws -> CopyReport {
        let comesOnce = selections.contains { ($0.source as? any StreamedSource)?.access == .once }
        let advice =
            destination.traits.blobs == .sizeFirst
            ? Self.isCutOff : destination is any ReplacesFile ? Self.beginsAnew : comesOnce ? Self.again : nil
        return try await run(ifInterrupted: options.dryRun ? nil : advice ?? goingOn) {
            try await Copier(options: options, progress: progress).copy(selections, to: destination)
        }
    }

    /// What is done by now, of which a second run makes use.
    var goingOn: String {
        let done = progress.images > 1 ? "\(progress.imagesDone) of \(progress.images) images are done; " : ""
        return done + Self.goesOn
    }

    /// - Parameter action: done when the user stops the run, after that was said; nil for nothing.
    func whenInterrupted(_ action: (@Sendable () -> Void)?) {
        log.state.withLock { $0.interruption = action }
        waitIdle()
    }

    /// Before and after the work that `run` does, nothing has to be said but that it is over.
    private func waitIdle() {
        guard let action = log.state.withLock({ $0.interruption }) else { return Interruption.whenStopped(nil) }
        Interruption.whenStopped { [console] in
            console.note("interrupted")
            action()
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
        Interruption.whenStopped { [console, log] in
            console.status.show("")
            console.note("interrupted" + (advice().map { "; \($0)" } ?? ""))
            log.state.withLock { $0.interruption }?()
        }
        defer { waitIdle() }
        do {
            let result = try await body()
            await reporter.stop()
            if let error = log.state.withLock({ $0.outputError }) { throw error }
            return result
        } catch {
            await reporter.stop()
            throw error
        }
    }
}

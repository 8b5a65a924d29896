import ArgumentParser
import ByteStreams
import DrayKit
import ImageModel
import Synchronization

/// Keeping books of a run.
struct ReceiptOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Write what was done into this file, as JSON, also if the run fails or is interrupted: places, and each image with its digest, bytes and seconds.",
            valueName: "file"))
    var receipt: String?

    /// What is learnt of a run's places while it runs.
    final class Places: Sendable {
        private let known: Mutex<CopyReceipt.Places>
        /// The references that failed where an error is about none of them alone.
        private let retried: Mutex<[String]>

        init(_ places: CopyReceipt.Places) {
            retried = Mutex(places.sources)
            known = Mutex(places)
        }

        var now: CopyReceipt.Places { known.withLock { $0 } }
        var references: [String] { retried.withLock { $0 } }

        func note(_ change: (inout CopyReceipt.Places) -> Void) { known.withLock { change(&$0) } }
        func retry(_ references: [String]) { retried.withLock { $0 = references } }
    }

    /// Runs something, and writes down what came of it, also where that is an error or an interruption.
    ///
    /// - Parameter runner: runs it, and knows what was done and what failed before the error.
    func keep(
        _ places: Places, dryRun: Bool, _ runner: ProgressRunner, _ body: () async throws -> CopyReport
    ) async throws -> CopyReport {
        try checkPlace()
        let clock = RunClock()
        @Sendable func soFar() -> CopyReport {
            CopyReport(images: runner.images, failures: runner.failures, isDryRun: dryRun)
        }
        if let receipt {
            runner.whenInterrupted {
                var written = CopyReceipt(
                    soFar(), .interrupted, at: places.now, version: drayVersion, clock: clock)
                written.bytesMoved = runner.progress.moved
                // There is nobody left who could be told.
                try? written.write(to: receipt)
            }
        }
        defer { runner.whenInterrupted(nil) }
        do {
            let report = try await body()
            let outcome: CopyReceipt.Outcome =
                report.failures.isEmpty ? .done : report.images.isEmpty ? .failed : .partial
            try await write(report, outcome, places, clock)
            return report
        } catch {
            var report = soFar()
            if !report.failures.contains(where: { "\($0.error)" == "\(error)" }) {
                report.failures += places.references.map { CopyReport.Failure(source: $0, error: error) }
            }
            try await write(report, .failed, places, clock)
            throw error
        }
    }

    /// Refuses a file that could not be written at the end, before there is anything to write down.
    private func checkPlace() throws {
        guard let receipt else { return }
        try PathHints.checkNew(receipt)
        guard let slash = receipt.lastIndex(of: "/"), slash != receipt.startIndex else { return }
        let directory = String(receipt[..<slash])
        guard try fileKind(directory) == nil else { return }
        throw ImageError.refused("--receipt \(receipt): the directory \(directory) does not exist; make it first")
    }

    private func write(
        _ report: CopyReport, _ outcome: CopyReceipt.Outcome, _ places: Places, _ clock: RunClock
    ) async throws {
        guard let receipt else { return }
        let written = CopyReceipt(report, outcome, at: places.now, version: drayVersion, clock: clock)
        try await Blocking.run { try written.write(to: receipt) }
    }
}

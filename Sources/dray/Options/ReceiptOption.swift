import ArgumentParser
import ImageTransfer

/// Keeping books of a run.
struct ReceiptOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Write what was done into this file, as JSON: each image, its digest, bytes and seconds, and what failed.",
            valueName: "file"))
    var receipt: String?

    /// Runs something, and writes down what came of it, also where that is an error.
    ///
    /// - Parameters:
    ///   - sources: the references that failed where an error is about none of them alone.
    ///   - runner: runs it, and knows what failed before the error.
    func keep(
        of sources: [String], dryRun: Bool, _ runner: ProgressRunner, _ body: () async throws -> CopyReport
    ) async throws -> CopyReport {
        let clock = RunClock()
        do {
            let report = try await body()
            try await write(report, clock)
            return report
        } catch {
            var report = CopyReport(isDryRun: dryRun)
            report.failures = runner.failures
            if !report.failures.contains(where: { "\($0.error)" == "\(error)" }) {
                report.failures += sources.map { CopyReport.Failure(source: $0, error: error) }
            }
            try await write(report, clock)
            throw error
        }
    }

    private func write(_ report: CopyReport, _ clock: RunClock) async throws {
        guard let receipt else { return }
        try await Blocking.run { try CopyReceipt(report, version: Dray.version, clock: clock).write(to: receipt) }
    }
}

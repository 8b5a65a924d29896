import ByteStreams
import ImageModel
import ImageTransfer
import RegistryClient

/// Sources of one copy: those that could be opened, and why others could not.
struct OpenedSources {
    var selections: [CopySelection] = []
    private(set) var failures: [CopyReport.Failure]

    /// - Parameters:
    ///   - keepGoing: whether what cannot be opened is noted, and does not end it.
    ///   - progress: is told what cannot be opened.
    init(
        _ sources: NamedSources, at registries: Registries, inflation: InflationLimit = .standard,
        keepGoing: Bool, _ progress: Progress
    ) async throws {
        failures = sources.failures
        for failure in failures { progress.tell(.failure(failure)) }
        if let first = failures.first, !keepGoing { throw first.error }
        for reference in sources.references {
            do {
                selections.append(
                    CopySelection(
                        source: try await reference.source(at: registries, inflation: inflation),
                        name: reference.name, digest: reference.digest))
            } catch {
                let failure = CopyReport.Failure(source: reference.description, error: error)
                progress.tell(.failure(failure))
                guard keepGoing else { throw error }
                failures.append(failure)
            }
        }
    }

    /// Copies what there is, and tells of the rest.
    func copy(
        to destination: any ImageDestination, _ options: CopyOptions, with runner: ProgressRunner
    ) async throws -> CopyReport {
        var report = CopyReport(isDryRun: options.dryRun)
        if !selections.isEmpty { report = try await runner.copy(selections, to: destination, options) }
        report.failures = failures + report.failures
        return report
    }
}

import ByteStreams
import ImageModel
import ImageTransfer
import RegistryClient

/// Sources of one copy: those that could be opened, and why others could not.
struct OpenedSources {
    var selections: [CopySelection] = []
    private(set) var failures: [CopyReport.Failure] = []

    /// - Parameter keepGoing: what cannot be opened is noted, and does not end it.
    init(
        _ references: [ImageReference], at registries: Registries, inflation: InflationLimit = .standard,
        keepGoing: Bool
    ) async throws {
        for reference in references {
            do {
                selections.append(
                    CopySelection(
                        source: try await reference.source(at: registries, inflation: inflation),
                        name: reference.name, digest: reference.digest))
            } catch  where keepGoing {
                failures.append(CopyReport.Failure(source: reference.location, error: error))
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

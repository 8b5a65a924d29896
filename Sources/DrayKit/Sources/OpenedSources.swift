import ImageLayouts

/// Sources of one copy: those that could be opened, and why others could not.
package struct OpenedSources {
    /// Volumes of one set that were named one by one are one.
    package private(set) var selections: [CopySelection] = []
    package private(set) var failures: [CopyReport.Failure]

    /// - Parameters:
    ///   - keepGoing: whether what cannot be opened is noted, and does not end it.
    ///   - progress: is told what cannot be opened.
    package init(_ sources: NamedSources, in dray: Dray, keepGoing: Bool, _ progress: Progress) async throws {
        failures = sources.failures
        for failure in failures { progress.tell(.failure(failure)) }
        if let first = failures.first, !keepGoing { throw first.error }
        for reference in sources.references {
            do {
                selections.append(
                    CopySelection(
                        source: try await dray.source(reference), name: reference.name, digest: reference.digest))
            } catch {
                let failure = CopyReport.Failure(source: reference.description, error: error)
                progress.tell(.failure(failure))
                guard keepGoing else { throw error }
                failures.append(failure)
            }
        }
        selections = try selections.joiningVolumes()
    }

    /// Copies what there is, and tells of the rest.
    ///
    /// - Parameter copy: copies what could be opened.
    package func report(
        _ options: CopyOptions, _ copy: ([CopySelection]) async throws -> CopyReport
    ) async throws -> CopyReport {
        var report = CopyReport(isDryRun: options.dryRun)
        if !selections.isEmpty { report = try await copy(selections) }
        report.failures = failures + report.failures
        return report
    }
}

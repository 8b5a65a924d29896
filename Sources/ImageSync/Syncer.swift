package import ByteStreams
import DrayKit
package import ImageTransfer
package import RegistryClient

/// Carries out the rules of a file: looks up what they mean, several at once, then copies, in as few copies as
/// their destinations and options allow, so that what they share is moved once.
///
/// A rule that fails stops no other. What was done before is not done again: a run that was killed is completed by
/// the next one.
package struct Syncer: Sendable {
    private let file: SyncFile
    private let isDryRun: Bool
    private let prefix: String?
    private let progress: Progress
    private let inflation: InflationLimit
    private let dray: Dray

    /// - Parameters:
    ///   - prefix: path that every repository is put below.
    ///   - registry: how registries are talked to where the file does not say.
    package init(
        _ file: SyncFile, dryRun: Bool = false, prefix: String? = nil, registry: RegistryOptions = RegistryOptions(),
        inflation: InflationLimit = .standard, progress: Progress = Progress()
    ) {
        self.file = file
        isDryRun = dryRun
        self.prefix = prefix
        self.progress = progress
        self.inflation = inflation
        let options: @Sendable (String) throws -> RegistryOptions = { host in
            var options = registry
            try file.registries[host]?.apply(to: &options)
            return options
        }
        dray = Dray(options: options, references: ReferenceReader(inflation: inflation))
    }

    /// Rules that are looked up at once.
    private static let lookups = 8

    /// - Returns: every image, and every failure with its rule's name.
    /// - Throws: `CancellationError`.
    @concurrent
    package func run() async throws -> CopyReport {
        let prepared = try await file.rules.mapConcurrently(limit: Self.lookups) { rule in
            try await prepare(rule)
        }
        var report = CopyReport(isDryRun: isDryRun)
        var groups: [Group] = []
        for (rule, prepared) in zip(file.rules, prepared) {
            for failure in prepared.failures {
                report.failures.append(failure)
                progress.tell(.failure(failure))
            }
            guard !prepared.selections.isEmpty else { continue }
            let group = group(of: rule, prepared.selections)
            if let index = groups.firstIndex(where: { $0.isAlike(group) }) {
                groups[index].selections += group.selections
            } else {
                groups.append(group)
            }
        }
        var archives: Set<String> = []
        for group in groups {
            let isFirst = group.destination.transport.isEditable || archives.insert(group.destination.location).inserted
            report.add(try await copy(group, isFirst: isFirst))
        }
        return report
    }

    // MARK: What rules mean

    private struct Prepared {
        var selections: [CopySelection] = []
        var failures: [CopyReport.Failure] = []
    }

    private func prepare(_ rule: SyncRule) async throws -> Prepared {
        var prepared = Prepared()
        do {
            let (references, leftOut) = try await Workers.blobs.run { try dray.references.expand(rule.source) }
            for (file, kind) in leftOut { progress.remark("\(file): skipped (\(kind))") }
            for reference in references {
                do {
                    prepared.selections.append(
                        try await selection(of: rule, reference) { prepared.failures.append($0) })
                } catch  where !(error is CancellationError) {
                    prepared.failures.append(failure(of: rule, reference, error))
                }
            }
        } catch  where !(error is CancellationError) {
            prepared.failures.append(failure(of: rule, rule.source, error))
        }
        return prepared
    }

    private func failure(of rule: SyncRule, _ reference: ImageReference, _ error: any Error) -> CopyReport.Failure {
        CopyReport.Failure(source: reference.description, name: nil, rule: rule.name, error: error)
    }

    /// - Parameter fail: is told of tags that are not there.
    private func selection(
        of rule: SyncRule, _ reference: ImageReference, _ fail: (CopyReport.Failure) -> Void
    ) async throws -> CopySelection {
        let source = try await dray.source(reference)
        var selection = CopySelection(
            source: source, name: reference.name, digest: reference.digest, requestedName: rule.destination.name,
            rename: rule.rename, rule: rule.name)
        guard rule.tags != nil || !rule.repositories.isEmpty else { return selection }
        let chooser = TagChooser(rule, source: source, progress: progress)
        let listing = try await source.listing(named: reference.name) { try await chooser.choose(from: $0) }
        for tag in chooser.missing {
            var tagged = reference
            tagged.append(tag: tag)
            fail(failure(of: rule, tagged, ImageError.notFound("\(reference) has no tag '\(tag)'")))
        }
        guard !listing.images.isEmpty || !listing.broken.isEmpty else {
            guard chooser.missing.isEmpty else { throw ImageError.notFound("\(reference): no other tag is chosen") }
            throw ImageError.notFound(
                "\(reference): none of its \(chooser.count) tags is chosen\(chooser.examples); see 'tags' of \(rule.name)"
            )
        }
        selection.chosen = listing
        return selection
    }

    // MARK: Copying

    /// What one copy can do: rules with one destination and the same options.
    private struct Group {
        /// Without a name: that is the selections' own.
        var destination: ImageReference
        var options: CopyOptions
        var selections: [CopySelection]

        func isAlike(_ other: Group) -> Bool { destination == other.destination && options == other.options }
    }

    private func group(of rule: SyncRule, _ selections: [CopySelection]) -> Group {
        var destination = rule.destination
        destination.name = nil
        var options = rule.options
        options.dryRun = isDryRun
        options.prefix = prefix
        options.keepGoing = true
        options.inflation = inflation
        for reference in [rule.source, destination] where reference.transport == .registry {
            options.jobs = min(options.jobs, file.registries[reference.location]?.jobs ?? options.jobs)
        }
        return Group(destination: destination, options: options, selections: selections)
    }

    /// - Parameter isFirst: whether no other copy writes the same archive.
    private func copy(_ group: Group, isFirst: Bool) async throws -> CopyReport {
        do {
            guard isFirst else {
                throw ImageError.refused(
                    "\(group.destination) would be written anew, over what other rules with other options put there: "
                        + "give these rules the same options, or an archive each")
            }
            let destination = try await dray.destination(group.destination)
            return try await Copier(options: group.options, progress: progress).copy(group.selections, to: destination)
        } catch  where !(error is CancellationError) {
            var report = CopyReport(isDryRun: isDryRun)
            report.failures = group.selections.map {
                CopyReport.Failure(source: $0.retryReference, rule: $0.rule, error: error)
            }
            for failure in report.failures { progress.tell(.failure(failure)) }
            return report
        }
    }
}

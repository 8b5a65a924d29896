package import ImageModel
package import ImageTransfer

/// Puts right what a verification finds: fetches exactly what is missing or damaged, verified, and makes links anew
/// that content which is there implies. What is sound is not touched, and nothing is guessed.
package struct Repairer: Sendable {
    private let options: VerifyOptions
    private let progress: Progress

    /// Something that was fetched may need more that is missing: an index, its manifests, their layers.
    private static let rounds = 8

    package init(options: VerifyOptions = VerifyOptions(), progress: Progress = Progress()) {
        self.options = options
        self.progress = progress
    }

    /// - Parameters:
    ///   - open: the place to be read; anew after each round, for it has changed.
    ///   - destination: the same place, to be written.
    ///   - sources: asked in order.
    /// - Returns: what is left, and what was mended.
    @concurrent
    package func repair(
        _ open: @Sendable () async throws -> any VerifiedPlace, through destination: any MendablePlace,
        from sources: [RepairSource], named name: String? = nil, digest: Digest? = nil
    ) async throws -> VerifyReport {
        do {
            var report = try await mend(open, through: destination, from: sources, named: name, digest: digest)
            do {
                report.quarantine = try destination.keptReplaced()
            } catch {
                // What was found and mended is told all the same.
                report.failures.append("what was replaced is kept without a list of it: \(error)")
            }
            return report
        } catch {
            // What was replaced by then is kept all the same, and without the list.
            _ = try? destination.keptReplaced()
            throw error
        }
    }

    private func mend(
        _ open: @Sendable () async throws -> any VerifiedPlace, through destination: any MendablePlace,
        from sources: [RepairSource], named name: String?, digest: Digest?
    ) async throws -> VerifyReport {
        let journal = try VerifyJournal(path: options.journal)
        let verifier = Verifier(options: options, progress: progress)
        var place = try await open()
        var report = try await verifier.verify(place, named: name, digest: digest, journal: journal)
        var mended: [Finding] = []
        for _ in 0..<Self.rounds where !report.damage.isEmpty {
            try Task.checkCancellation()
            let round = RepairRound(place: place, destination: destination, sources: sources, progress: progress)
            let outcome = try await round.mend(report.damage)
            guard outcome.done > 0 else {
                report.failures = outcome.failures
                break
            }
            let before = report.damage
            place = try await open()
            report = try await verifier.verify(place, named: name, digest: digest, journal: journal)
            report.failures = outcome.failures
            let left = Set(report.damage.map(\.mark))
            let gone = before.filter { !left.contains($0.mark) }
            mended += gone
            // What comes back as it was cannot be mended here: a registry that keeps its damaged bytes.
            if gone.isEmpty || outcome.isOver { break }
        }
        report.mended = mended
        try journal.finish()
        return report
    }
}

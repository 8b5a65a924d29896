import ByteStreams
package import ImageModel
package import ImageTransfer

/// Verifies a place: everything that is there, everything that should be, and who needs what is wrong.
///
/// ```swift
/// let report = try await Verifier().verify(StoreSource(path: "/var/lib/registry"))
/// for finding in report.damage { print(finding.subject, finding.problem, finding.affected) }
/// ```
/// Manifests are walked from every name and entry; then each blob is read once, however many images need it, and
/// blobs that nothing needs are read as well where the place can list them.
package struct Verifier: Sendable {
    let options: VerifyOptions
    private let progress: Progress

    package init(options: VerifyOptions = VerifyOptions(), progress: Progress = Progress()) {
        self.options = options
        self.progress = progress
    }

    /// - Parameters:
    ///   - name: as in a reference: only what it means is verified, and nothing is said of the rest.
    /// - Throws: what kept it from looking; whatever is wrong with the place is in the report.
    @concurrent
    package func verify(
        _ place: any VerifiedPlace, named name: String? = nil, digest: Digest? = nil
    ) async throws -> VerifyReport {
        let journal = try VerifyJournal(path: options.journal)
        let report = try await verify(place, named: name, digest: digest, journal: journal)
        try journal.finish()
        return report
    }

    func verify(
        _ place: any VerifiedPlace, named name: String?, digest: Digest?, journal: VerifyJournal
    ) async throws -> VerifyReport {
        let (first, isLive) = try await look(place, name, digest, journal)
        guard isLive, !first.damage.isEmpty else { return first }
        // What changed while it was looked at is no damage: that is what is wrong at two looks, one after the other.
        // Only what is not known to be sound is read again.
        var second = try await look(place, name, digest, journal).report
        // It need not look the same both times: a disk that fails gives wrong bytes first, and then none.
        let subjects = Set(first.damage.map(\.subject))
        second.findings.removeAll { $0.isDamage && !subjects.contains($0.subject) }
        return second
    }

    private func look(
        _ place: any VerifiedPlace, _ name: String?, _ digest: Digest?, _ journal: VerifyJournal
    ) async throws -> (report: VerifyReport, isLive: Bool) {
        let reader = BlobReader(place: place, options: options, journal: journal, progress: progress)
        var streamed: [Digest: BlobState] = [:]
        if let stream = place as? any StreamedSource, stream.access != .anyOrder {
            do {
                streamed = try await reader.drain(stream)
            } catch let error where BrokenImage(name: .none, error: error) != nil {
                return (VerifyReport(unreadable: place.title, error: error), false)
            }
        }
        let survey: PlaceSurvey
        do {
            survey = try await place.survey(named: name, digest: digest)
        } catch let error where BrokenImage(name: .none, error: error) != nil {
            // A name that is not there is the user's mistake.
            if (error as? ImageError)?.code == .notFound { throw error }
            return (VerifyReport(unreadable: place.title, error: error), false)
        }
        let graph = try await ContentGraph(
            of: survey, in: place, isDeep: options.isDeep,
            jobs: options.jobs ?? (place.isRemote ? 6 : Workers.coreCount))
        var states = try await reader.read(
            try await tasks(place, survey, graph), streamed: streamed)
        for digest in graph.soundManifests where states[digest] == nil {
            states[digest] = .sound(size: survey.blobs?[digest] ?? 0, tar: nil)
        }
        let judge = VerifyJudge(
            survey: survey, graph: graph, states: states, title: place.title, reference: Self.reference(to: place),
            absences: try await absences(place, graph, states))
        var report = VerifyReport(place: place.title)
        report.findings = judge.findings() + (try await unserved(place, graph, states))
        report.findings.sort {
            ($0.isDamage ? 0 : 1, $0.kind.order, $0.subject) < ($1.isDamage ? 0 : 1, $1.kind.order, $1.subject)
        }
        report.images = Set(survey.roots.map(\.name)).count
        report.manifests = graph.soundManifests.count
        for case .sound(let size, _) in states.values {
            report.blobs += 1
            report.bytes = report.bytes.addingSaturated(size)
        }
        report.isDeep = options.isDeep
        return (report, survey.isLive)
    }

    private static func reference(to place: any VerifiedPlace) -> String {
        place.reference(in: nil)?.description ?? place.title
    }

    /// Why blobs are not there, as far as the place tells.
    private func absences(
        _ place: any VerifiedPlace, _ graph: ContentGraph, _ states: [Digest: BlobState]
    ) async throws -> [Digest: BlobAbsence] {
        var absences: [Digest: BlobAbsence] = [:]
        for need in graph.needs.values {
            let blob = need.descriptor
            if case .sound? = states[blob.digest] { continue }
            let repository = need.repositories.compactMap { $0 }.min()
            guard let absence = try? await place.findAbsence(of: blob, in: repository), absence.kind != .unexplained
            else {
                continue
            }
            absences[blob.digest] = absence
        }
        return absences
    }

    /// Every blob that is needed, and every other that is there.
    private func tasks(
        _ place: any VerifiedPlace, _ survey: PlaceSurvey, _ graph: ContentGraph
    ) async throws -> [BlobReader.Task] {
        var tasks: [BlobReader.Task] = []
        func add(_ need: ContentGraph.Need, diffIDs: Set<Digest.Algorithm> = []) {
            var blob = need.descriptor
            if let size = survey.blobs?[blob.digest] { blob.size = size }
            let repository = need.repositories.compactMap { $0 }.min()
            var task = BlobReader.Task(blob: blob, repository: repository, diffIDs: diffIDs)
            // On a disk it ends somewhere.
            if place.isRemote { task.mostBytes = (need.users.map(\.size) + [blob.size]).max() }
            tasks.append(task)
        }
        for need in graph.needs.values {
            let vouching = try await place.findExpectedDiffID(of: need.descriptor.digest)
            add(need, diffIDs: Set((need.users.map(\.diffID) + [vouching]).compactMap { $0?.algorithm }))
        }
        // A foreign layer that is there all the same.
        for (digest, need) in graph.absentees where graph.needs[digest] == nil && survey.blobs?[digest] != nil {
            add(need)
        }
        let manifests = graph.soundManifests
        for (digest, size) in survey.blobs ?? [:]
        where graph.needs[digest] == nil && graph.absentees[digest] == nil && !manifests.contains(digest) {
            let blob = Descriptor(untyped: digest, size: size)
            tasks.append(BlobReader.Task(blob: blob, repository: nil))
        }
        return tasks
    }

    /// Where each repository is asked for itself: blobs that are there, and not for all who need them.
    private func unserved(
        _ place: any VerifiedPlace, _ graph: ContentGraph, _ states: [Digest: BlobState]
    ) async throws -> [Finding] {
        guard !place.sharesContent else { return [] }
        var questions: [(need: ContentGraph.Need, repository: String)] = []
        for need in graph.needs.values {
            guard case .sound = states[need.descriptor.digest] else { continue }
            // The first was asked when it was read.
            for repository in need.repositories.compactMap({ $0 }).sorted().dropFirst() {
                questions.append((need, repository))
            }
        }
        let answers = try await questions.mapConcurrently(limit: 6) { question in
            try await place.serves(question.need.descriptor, in: question.repository)
        }
        return zip(questions, answers).filter { !$1 }.map { question, _ in
            let blob = question.need.descriptor
            let users = question.need.users.map(\.node).filter {
                graph.nodes[$0].key.repository == question.repository
            }
            return Finding(
                .blobMissing, "\(blob.digest)", "is not served from \(question.repository)",
                affected: graph.affected(by: users), advice: VerifyJudge.fetch(Self.reference(to: place)),
                remedy: .blob(blob, repository: question.repository))
        }
    }
}

extension Finding.Kind {
    fileprivate var order: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

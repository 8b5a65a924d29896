import ByteStreams
import ImageModel

/// Plans what is copied, under which names, and in which form.
struct PlanStage {
    private let context: CopyContext
    var options: CopyOptions { context.options }
    var destination: any ImageDestination { context.destination }
    private var progress: Progress { context.progress }
    var remarks: Remarks { context.remarks }

    init(_ context: CopyContext) { self.context = context }

    /// - Parameter failures: sources that have failed already.
    func plan(_ selections: [CopySelection], failures: [CopyReport.Failure] = []) async throws -> CopyPlan {
        var plan = CopyPlan(options, failures: failures)
        defer { remarks.sumUp() }
        var groups: [DestinationNaming.Group] = []
        for selection in selections {
            do {
                groups.append(DestinationNaming.Group(selection, try await images(of: selection, &plan)))
            } catch {
                try fail(selection, error, &plan)
            }
        }
        let naming = DestinationNaming(
            options: options, traits: destination.traits, requestedName: destination.requestedName)
        for (group, named) in zip(groups, naming.assign(groups)) {
            do {
                try await add(try named.get(), of: group, to: &plan)
            } catch {
                try fail(group.selection, error, &plan)
            }
        }
        guard plan.count > 0 || !plan.failures.isEmpty else {
            throw ImageError.otherPlatform("no image is for \(options.platforms.title)")
        }
        let images = plan.images
        if !destination.traits.holdsManyImages, images.count > 1 {
            throw ImageError.refused(
                "\(destination.title) holds one image, and there are \(images.count); choose one of "
                    + images.prefix(8).map(\.image.title).joined(separator: ", "))
        }
        return plan
    }

    private func fail(_ selection: CopySelection, _ error: any Error, _ plan: inout CopyPlan) throws {
        try fail(CopyReport.Failure(source: selection.retryReference, rule: selection.rule, error: error), &plan)
    }

    /// Notes a failure, or stops for it.
    private func fail(_ failure: CopyReport.Failure, _ plan: inout CopyPlan) throws {
        guard options.keepGoing, !(failure.error is CancellationError) else {
            if !plan.isGivenUp { for known in plan.failures + [failure] { progress.tell(.failure(known)) } }
            plan.isGivenUp = true
            throw failure.error
        }
        plan.failures.append(failure)
    }

    /// The images of a source that can be read; the others are failures.
    private func images(of selection: CopySelection, _ plan: inout CopyPlan) async throws -> [SourceImage] {
        let source = selection.source
        let listing = try await selection.listing()
        for remark in listing.remarks { progress.remark(remark) }
        for note in listing.notes { remarks.say(note, "it is left out") }
        for broken in listing.broken {
            try fail(
                CopyReport.Failure(
                    source: source.retryReference(to: broken), name: broken.title, digest: broken.digest,
                    rule: selection.rule, error: broken.error), &plan)
        }
        guard !listing.images.isEmpty || !listing.broken.isEmpty else {
            throw ImageError.notFound("\(source.title) holds no image")
        }
        return listing.images
    }

    private func add(_ named: [DestinationNaming.Named], of group: DestinationNaming.Group, to plan: inout CopyPlan)
        async throws
    {
        let selection = group.selection
        let manifests = SharedManifests(selection.source)
        let settled = try await settled(named, selection)
        let companions = try await companions(of: group.images, Set(settled.keys), selection, manifests)
        let before = plan.count
        try await add(named, settled, selection, manifests, to: &plan)
        guard plan.count > before else { return }
        // They lie beside the images that they belong to.
        let repositories = Dictionary(named.map { ($0.image.repository, $0.name) }) { first, _ in first }
        let beside: [DestinationNaming.Named] = companions.compactMap { companion in
            guard var name = repositories[companion.repository], let tag = companion.tag else { return nil }
            name.tag = tag
            return DestinationNaming.Named(image: companion, name: name)
        }
        try await add(beside, self.settled(beside, selection), selection, manifests, to: &plan)
    }

    /// Images that belong to a chosen one by their tag: fallback referrers, cosign's signatures.
    private func companions(
        of images: [SourceImage], _ settled: Set<SourceImage>, _ selection: CopySelection,
        _ manifests: SharedManifests
    ) async throws -> [SourceImage] {
        let all = images
        // Once for each repository, not for each of its images.
        let whole = Set(all.map(\.repository)).filter { selection.takesAll(of: $0) }
        let images = all.filter { !whole.contains($0.repository) }
        guard !images.isEmpty, destination.traits.holdsReferrers, options.platforms == .all else { return [] }
        let chosen = Set(all)
        var digests: Set<Digest> = []
        for image in images {
            guard !settled.contains(image) else {
                digests.insert(image.descriptor.digest)
                continue
            }
            // What is wrong with it is told when it is planned.
            let graph = try? await ImageGraph(of: image, in: selection.source, sharing: manifests)
            digests.formUnion(graph?.digests ?? [])
        }
        let subjects = digests
        var found: [SourceImage] = []
        for repository in Set(images.map(\.repository)).sorted(by: { ($0 ?? "") < ($1 ?? "") }) {
            found += try await selection.source.images(in: repository) { tag in
                subjects.contains { ImageName.tag(tag, refersTo: $0) }
            }
        }
        return found.filter { !chosen.contains($0) }
    }

    /// Images that the destination has already, names and referrers and all, as far as that can be told without
    /// reading a manifest over a network. Of an index, what refers to its children alone is looked for where the
    /// destination can tell what they are.
    private func settled(
        _ items: [DestinationNaming.Named], _ selection: CopySelection
    ) async throws -> [SourceImage: SettledImage] {
        let source = selection.source
        guard source.isRemote, destination.wholeImages != nil, options.platforms == .all, options.format == nil,
            options.compression(from: source, to: destination) == .keep, options.onExisting == .overwrite
        else { return [:] }
        let tags = context.tags
        let named = try await items.mapConcurrently(limit: options.jobs) { item -> DestinationNaming.Named? in
            guard item.name.tag != nil else { return nil }
            return try await tags.digest(of: item.name) == item.image.descriptor.digest ? item : nil
        }.compactMap { $0 }
        // All tags of one manifest are one question.
        var asked: Set<Question> = []
        let questions = named.map(Question.init).filter { asked.insert($0).inserted }
        var known: [Question: Bookkeeping?] = [:]
        // The first alone: where it meets no referrers API, the others ask for nothing.
        for part in [questions.prefix(1), questions.dropFirst()] {
            let answers = try await part.mapConcurrently(limit: options.jobs) { try await self.answer($0, source) }
            for (question, answer) in zip(part, answers) { known.updateValue(answer, forKey: question) }
        }
        var settled: [SourceImage: SettledImage] = [:]
        for item in named {
            guard let books = known[Question(item)] ?? nil else { continue }
            let descriptor = item.image.descriptor
            settled[item.image] = SettledImage(
                entry: CopyReport.Image(
                    source: source.title, reference: source.retryReference(to: item.image), name: item.name,
                    descriptor: descriptor, previousDigest: descriptor.digest,
                    bytesSkipped: max(books.bytes, descriptor.size, 0), rule: selection.rule),
                reference: source.retryReference(to: item.image), referrers: books.referrers)
        }
        return settled
    }

    /// Whether the destination lacks a referrer of a manifest that it has.
    private struct Question: Hashable {
        let digest: Digest
        /// Repositories of the source and of the destination.
        let from: String?
        let into: String

        init(_ item: DestinationNaming.Named) {
            digest = item.image.descriptor.digest
            from = item.image.repository
            into = item.name.repository
        }
    }

    /// What there is of an image at both ends.
    private struct Bookkeeping {
        var referrers: [Descriptor]
        /// As far as the destination tells.
        var bytes: Int64
    }

    /// - Returns: nil if the source has referrers that the destination has not.
    private func answer(_ question: Question, _ source: any ImageSource) async throws -> Bookkeeping? {
        guard let source = source as? any RemoteSource, let destination = destination.wholeImages else {
            return nil
        }
        let image = try await destination.known(question.digest, in: question.into)
        var found = Bookkeeping(referrers: [], bytes: image.bytes)
        // What belongs to the image may be a referrer as well, and has its place already.
        var listed = image.children.union([question.digest])
        var subjects: Set<Digest> = []
        for subject in [question.digest] + image.manifests.map(\.digest) where subjects.insert(subject).inserted {
            let referrers = try await source.untaggedReferrers(of: subject, in: question.from)
                .filter { listed.insert($0.digest).inserted }
            guard !referrers.isEmpty else { continue }
            let own = try await destination.referrers(of: subject, in: question.into)
            guard Set(referrers.map(\.digest)).isSubset(of: own.map(\.digest)) else { return nil }
            found.referrers += referrers
        }
        return found
    }

    private func add(
        _ items: [DestinationNaming.Named], _ settled: [SourceImage: SettledImage], _ selection: CopySelection,
        _ manifests: SharedManifests, to plan: inout CopyPlan
    ) async throws {
        let source = selection.source
        let isAlone = items.count == 1
        // What goes by in a stream is read in its order.
        let limit = source.access == .anyOrder ? options.jobs : 1
        let planned = try await items.mapConcurrently(limit: limit) { item -> Result<ImagePlan?, any Error> in
            guard settled[item.image] == nil else { return .success(nil) }
            do {
                return .success(try await self.planned(item, selection, manifests, isAlone: isAlone))
            } catch {
                return .failure(error)
            }
        }
        for (item, planned) in zip(items, planned) {
            do {
                if let settled = settled[item.image] {
                    try plan.add(settled)
                } else if let image = try planned.get() {
                    try plan.add(image)
                    if let remark = item.remark { remarks.say("\(item.image.title) is called \(item.name)", remark) }
                }
            } catch {
                try fail(
                    CopyReport.Failure(
                        source: source.retryReference(to: item.image), name: item.name.description,
                        digest: item.image.descriptor.digest, rule: selection.rule, error: error), &plan)
            }
        }
    }
}

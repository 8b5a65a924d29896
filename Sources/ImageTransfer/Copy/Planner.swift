import ImageModel

/// Decides what is copied, under which names, and in which form.
struct Planner {
    let options: CopyOptions
    let destination: any ImageDestination
    private let progress: Progress
    private let remarks: Remarks

    init(options: CopyOptions, progress: Progress, destination: any ImageDestination) {
        self.options = options
        self.progress = progress
        self.destination = destination
        remarks = Remarks(progress)
    }

    /// - Parameter failures: sources that have failed already.
    func plan(_ selections: [CopySelection], failures: [CopyReport.Failure] = []) async throws -> CopyPlan {
        var plan = CopyPlan()
        plan.failures = failures
        defer { remarks.sumUp() }
        for selection in selections {
            do {
                try await add(selection, to: &plan, isAlone: selections.count == 1)
            } catch {
                try fail(
                    CopyReport.Failure(source: selection.source.title, rule: selection.rule, error: error), &plan)
            }
        }
        guard plan.count > 0 || !plan.failures.isEmpty else {
            throw TransferError.notFound(
                "nothing matches " + options.platforms.map(\.description).joined(separator: ", "))
        }
        let images = plan.images
        if !destination.traits.holdsManyImages, images.count > 1 {
            throw TransferError.refused(
                "\(destination.title) holds one image, and there are \(images.count): choose one of "
                    + images.prefix(8).map(\.image.title).joined(separator: ", "))
        }
        return plan
    }

    /// Notes a failure, or stops for it.
    private func fail(_ failure: CopyReport.Failure, _ plan: inout CopyPlan) throws {
        guard options.keepGoing, !(failure.error is CancellationError) else { throw failure.error }
        plan.failures.append(failure)
    }

    private func add(_ selection: CopySelection, to plan: inout CopyPlan, isAlone: Bool) async throws {
        let source = selection.source
        let listing = try await selection.listing()
        for note in listing.notes { remarks.say(note, "it is left out") }
        for broken in listing.broken {
            try fail(
                CopyReport.Failure(
                    source: source.title, name: broken.title, digest: broken.digest, rule: selection.rule,
                    error: broken.error), &plan)
        }
        let images = listing.images
        guard !images.isEmpty || !listing.broken.isEmpty else {
            throw TransferError.notFound("\(source.title) holds no image")
        }
        let naming = Naming(
            options: options, traits: destination.traits,
            requestedName: selection.requestedName ?? destination.requestedName)
        let named = try naming.assign(
            images, from: source, alone: isAlone || selection.requestedName != nil, rename: selection.rename)
        let settled = try await settled(named, source)
        let companions = try await companions(of: images, settled, selection)
        let before = plan.count
        try await add(named, settled, selection, to: &plan)
        guard plan.count > before else { return }
        // They lie beside the images that they belong to.
        let repositories = Dictionary(named.map { ($0.image.repository, $0.name) }) { first, _ in first }
        let beside: [Naming.Named] = companions.compactMap { companion in
            guard var name = repositories[companion.repository], let tag = companion.tag else { return nil }
            name.tag = tag
            return Naming.Named(image: companion, name: name)
        }
        try await add(beside, self.settled(beside, source), selection, to: &plan)
    }

    /// Images that belong to a chosen one by their tag: fallback referrers, cosign's signatures.
    private func companions(
        of images: [SourceImage], _ settled: Set<SourceImage>, _ selection: CopySelection
    ) async throws -> [SourceImage] {
        guard !selection.takesEverything, destination.traits.holdsReferrers, options.platforms.isEmpty else {
            return []
        }
        let chosen = Set(images)
        var digests: Set<Digest> = []
        for image in images {
            guard !settled.contains(image) else {
                digests.insert(image.descriptor.digest)
                continue
            }
            // What is wrong with it is told when it is planned.
            let graph = try? await ImageGraph(of: image, in: selection.source, platforms: [])
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
    /// reading a manifest over a network. Of an index, what refers to its children alone is not looked for.
    private func settled(_ items: [Naming.Named], _ source: any ImageSource) async throws -> Set<SourceImage> {
        guard source.isRemote, destination.traits.namesAreWhole, options.platforms.isEmpty, options.format == nil,
            options.compression(from: source, to: destination) == .keep, options.onExisting == .overwrite
        else { return [] }
        let destination = destination
        let settled = try await items.mapConcurrently(limit: options.jobs) { item -> SourceImage? in
            let digest = item.image.descriptor.digest
            guard item.name.tag != nil, try await destination.digest(of: item.name) == digest else { return nil }
            let referrers = try await source.referrers(of: digest, in: item.image.repository)
            let known = try await destination.referrers(of: digest, in: item.name.repository)
            return Set(referrers.map(\.digest)).isSubset(of: known.map(\.digest)) ? item.image : nil
        }
        return Set(settled.compactMap { $0 })
    }

    private func add(
        _ items: [Naming.Named], _ settled: Set<SourceImage>, _ selection: CopySelection, to plan: inout CopyPlan
    ) async throws {
        let source = selection.source
        let isAlone = items.count == 1
        let planned = try await items.mapConcurrently(
            limit: source.isRemote ? options.jobs : 1
        ) { item -> Result<PlannedImage?, any Error> in
            guard !settled.contains(item.image) else { return .success(nil) }
            do {
                return .success(try await self.planned(item, selection, isAlone: isAlone))
            } catch {
                return .failure(error)
            }
        }
        for (item, planned) in zip(items, planned) {
            let descriptor = item.image.descriptor
            do {
                if settled.contains(item.image) {
                    let entry = CopyReport.Image(
                        source: source.title, name: item.name, descriptor: descriptor,
                        previousDigest: descriptor.digest, bytesSkipped: max(0, descriptor.size), rule: selection.rule)
                    try plan.add(settled: entry, onClash: options.onClash)
                } else if let image = try planned.get() {
                    try plan.add(image, onClash: options.onClash)
                    if let remark = item.remark { remarks.say("\(item.image.title) is called \(item.name)", remark) }
                }
            } catch {
                try fail(
                    CopyReport.Failure(
                        source: source.title, name: item.name.description, digest: descriptor.digest,
                        rule: selection.rule, error: error), &plan)
            }
        }
    }

    /// - Returns: nil if the image is not for the platforms that were asked for, but others may be.
    private func planned(
        _ item: Naming.Named, _ selection: CopySelection, isAlone: Bool
    ) async throws -> PlannedImage? {
        let source = selection.source
        let image = item.image
        var graph: ImageGraph
        do {
            graph = try await ImageGraph(of: image, in: source, platforms: options.platforms)
        } catch TransferError.notFound(let text) where !options.platforms.isEmpty && !isAlone {
            remarks.say(text, "it is left out")
            return nil
        }
        try refuseUnholdable(graph, image, source)
        let choice = options.compression(from: source, to: destination)
        var compressions: [Digest: LayerCompression] = [:]
        for node in graph.nodes {
            guard case .image(let content) = node.manifest.content, content.config.mediaType.isImageConfig else {
                continue
            }
            for layer in content.layers {
                if let change = choice.change(of: layer.mediaType) { compressions[layer.digest] = change }
            }
        }
        let changes = !compressions.isEmpty
        if changes { try await graph.learnDiffIDs(of: image, in: source) }
        var planned = PlannedImage(
            source: source, image: image, name: item.name, rule: selection.rule, graph: graph,
            compressions: compressions, format: options.format)
        // schema2 where it can say what the layers become: it has no name for zstd.
        if changes, choice == .gzipRaw, planned.format == nil, !planned.hasZstd { planned.format = .docker }
        try planned.rehearse()
        guard planned.keepsDigests || !options.strict else {
            throw TransferError.refused(
                "\(image.title) would get a new digest, and --strict forbids that"
                    + (choice == .gzipRaw
                        ? ": its layers are not compressed; --compression keep carries them as they are" : ""))
        }
        if destination.traits.holdsReferrers {
            if planned.keepsDigests {
                try await planned.graph.addReferrers(of: image, in: source)
            } else {
                try await remarkLostReferrers(graph, image, source, "its digest changes")
            }
        } else {
            try await remarkLostReferrers(graph, image, source, "\(destination.title) cannot hold them")
        }
        if planned.foreignLayers > 0 {
            remarks.say(
                "\(image.title) has \(planned.foreignLayers) foreign layers",
                "they stay where their URLs say"
                    + (destination.traits.hasDockerPart
                        ? ", and the image is in the archive's OCI part alone, since docker's lists every layer" : ""))
        }
        if !options.platforms.isEmpty, !planned.keepsDigests, case .index = graph.rootNode?.manifest.content {
            remarks.say(image.title, "the index is cut down to the chosen platforms and has a new digest")
        }
        return planned
    }

    private func remarkLostReferrers(
        _ graph: ImageGraph, _ image: SourceImage, _ source: any ImageSource, _ reason: String
    ) async throws {
        var count = 0
        for node in graph.nodes {
            count += try await source.referrers(of: node.manifest.digest, in: image.repository).count
        }
        if count > 0 {
            remarks.say("\(image.title): \(count) referrers (signatures and the like) stay behind", reason)
        }
    }

    private func refuseUnholdable(_ graph: ImageGraph, _ image: SourceImage, _ source: any ImageSource) throws {
        if graph.root.digest.algorithm == .sha512, !destination.traits.keepsSHA512 {
            throw TransferError.refused(
                "\(image.title) in \(source.title) goes by SHA-512, and in \(destination.title) it would go by SHA-256: "
                    + "copy it to an oci: layout")
        }
        guard !destination.traits.holdsSchema1 else { return }
        for node in graph.nodes {
            if case .schema1 = node.manifest.content {
                throw TransferError.refused(
                    "\(image.title) in \(source.title) is a schema1 manifest: it can be carried from store to store, "
                        + "not into \(destination.title)")
            }
        }
    }
}

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
                try fail(CopyReport.Failure(source: selection.source.title, error: error), &plan)
            }
        }
        guard !plan.images.isEmpty || !plan.failures.isEmpty || !plan.settled.isEmpty else {
            throw TransferError.notFound(
                "nothing matches " + options.platforms.map(\.description).joined(separator: ", "))
        }
        if !destination.traits.holdsManyImages, plan.images.count > 1 {
            throw TransferError.refused(
                "\(destination.title) holds one image, and there are \(plan.images.count): choose one of "
                    + plan.images.prefix(8).map(\.image.title).joined(separator: ", "))
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
        let listing = try await source.listing(named: selection.name, digest: selection.digest)
        for remark in listing.remarks { progress.remark(remark) }
        for note in listing.notes { remarks.say(note, "it is left out") }
        for broken in listing.broken {
            try fail(
                CopyReport.Failure(
                    source: source.title, name: broken.title, digest: broken.digest, error: broken.error), &plan)
        }
        let images = listing.images
        guard !images.isEmpty || !listing.broken.isEmpty else {
            throw TransferError.notFound("\(source.title) holds no image")
        }
        let named = try Naming(options: options, destination: destination).assign(
            images, from: source, alone: isAlone)
        let settled = try await settled(named, source)
        let companions = try await companions(of: images, Set(settled.keys), selection)
        let before = plan.images.count + plan.settled.count
        for item in named {
            if let settled = settled[item.image] {
                plan.settled.append(settled)
            } else {
                try await add(item, selection, to: &plan, isAlone: images.count == 1)
            }
        }
        guard plan.images.count + plan.settled.count > before else { return }
        for companion in companions {
            guard var name = plan.images.last?.name ?? named.last?.name, let tag = companion.tag else { continue }
            name.tag = tag
            let item = Naming.Named(image: companion, name: name)
            if let settled = try await self.settled([item], source)[companion] {
                plan.settled.append(settled)
            } else {
                try await add(item, selection, to: &plan, isAlone: false)
            }
        }
    }

    /// Images that belong to a chosen one by their tag: fallback referrers, cosign's signatures.
    private func companions(
        of images: [SourceImage], _ settled: Set<SourceImage>, _ selection: CopySelection
    ) async throws -> [SourceImage] {
        let chosen = Set(images)
        let images = images.filter { !selection.takesAll(of: $0.repository) }
        guard !images.isEmpty, destination.traits.holdsReferrers, options.platforms.isEmpty else { return [] }
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
    /// reading a manifest over a network. Of an index, what refers to its children alone is looked for where the
    /// destination can tell what they are.
    private func settled(
        _ items: [Naming.Named], _ source: any ImageSource
    ) async throws -> [SourceImage: SettledImage] {
        guard source.isRemote, destination.traits.namesAreWhole, options.platforms.isEmpty, options.format == nil,
            options.compression(from: source, to: destination) == .keep, options.onExisting == .overwrite
        else { return [:] }
        var settled: [SourceImage: SettledImage] = [:]
        var seen: [ImageName: Bookkeeping?] = [:]
        for item in items where item.name.tag != nil {
            let digest = item.image.descriptor.digest
            guard try await destination.digest(of: item.name) == digest else { continue }
            // Other tags of the same manifest are the same question.
            let place = ImageName(repository: item.name.repository, tag: digest.description)
            let books: Bookkeeping?
            if let known = seen[place] {
                books = known
            } else {
                books = try await bookkeeping(of: digest, item, source)
                seen[place] = books
            }
            guard let books else { continue }
            settled[item.image] = SettledImage(
                name: item.name, descriptor: item.image.descriptor, referrers: books.referrers,
                entry: CopyReport.Image(
                    source: source.title, name: item.name, descriptor: item.image.descriptor, previousDigest: digest,
                    bytesSkipped: max(books.bytes, item.image.descriptor.size, 0)))
        }
        return settled
    }

    /// What there is of an image at both ends.
    private struct Bookkeeping {
        var referrers: [Descriptor]
        /// As far as the destination tells.
        var bytes: Int64
    }

    /// - Returns: nil if the source has referrers that the destination has not.
    private func bookkeeping(
        of digest: Digest, _ item: Naming.Named, _ source: any ImageSource
    ) async throws -> Bookkeeping? {
        let manifests = try await destination.manifests(of: digest, in: item.name.repository)
        var found = Bookkeeping(referrers: [], bytes: 0)
        var blobs: Set<Digest> = []
        for manifest in manifests {
            found.bytes = found.bytes.addingSaturated(manifest.size)
            for blob in manifest.blobs where !blob.staysAway && blob.size > 0 && blobs.insert(blob.digest).inserted {
                found.bytes = found.bytes.addingSaturated(blob.size)
            }
        }
        for subject in Set(manifests.map(\.digest)).union([digest]) {
            let referrers = try await source.untaggedReferrers(of: subject, in: item.image.repository)
            guard !referrers.isEmpty else { continue }
            let known = try await destination.referrers(of: subject, in: item.name.repository)
            guard Set(referrers.map(\.digest)).isSubset(of: known.map(\.digest)) else { return nil }
            found.referrers += referrers
        }
        return found
    }

    private func add(
        _ item: Naming.Named, _ selection: CopySelection, to plan: inout CopyPlan, isAlone: Bool
    ) async throws {
        do {
            guard let planned = try await planned(item, selection.source, isAlone: isAlone) else { return }
            try plan.add(planned)
            if let remark = item.remark { remarks.say("\(item.image.title) is called \(item.name)", remark) }
        } catch {
            try fail(
                CopyReport.Failure(
                    source: selection.source.title, name: item.name.description, digest: item.image.descriptor.digest,
                    error: error), &plan)
        }
    }

    /// - Returns: nil if the image is not for the platforms that were asked for, but others may be.
    private func planned(
        _ item: Naming.Named, _ source: any ImageSource, isAlone: Bool
    ) async throws -> PlannedImage? {
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
            source: source, image: image, name: item.name, graph: graph, compressions: compressions,
            format: options.format)
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

import ImageModel

/// Decides what is copied, under which names, and in which form.
struct Planner {
    let options: CopyOptions
    let progress: Progress
    let destination: any ImageDestination

    func plan(_ selections: [CopySelection]) async throws -> CopyPlan {
        var plan = CopyPlan()
        for selection in selections {
            let images = try await selection.source.images(named: selection.name, digest: selection.digest)
            guard !images.isEmpty else {
                throw TransferError.notFound("\(selection.source.title) holds no image")
            }
            let companions = try await companions(of: images, selection)
            let naming = Naming(options: options, destination: destination)
            let named = try naming.assign(images, from: selection.source, alone: selections.count == 1)
            for item in named {
                try await add(item, selection, to: &plan, isAlone: images.count == 1)
            }
            for companion in companions {
                guard let owner = plan.images.last, let tag = companion.tag else { continue }
                var name = owner.name
                name.tag = tag
                try await add(Naming.Named(image: companion, name: name), selection, to: &plan, isAlone: false)
            }
        }
        guard !plan.images.isEmpty || !plan.failures.isEmpty else {
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

    /// Images that belong to a chosen one by their tag: fallback referrers, cosign's signatures.
    private func companions(of images: [SourceImage], _ selection: CopySelection) async throws -> [SourceImage] {
        guard !selection.takesEverything, destination.traits.holdsReferrers, options.platforms.isEmpty else {
            return []
        }
        let chosen = Set(images)
        var digests: Set<Digest> = []
        for image in images {
            digests.formUnion(try await ImageGraph(of: image, in: selection.source, platforms: []).digests)
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

    private func add(
        _ item: Naming.Named, _ selection: CopySelection, to plan: inout CopyPlan, isAlone: Bool
    ) async throws {
        do {
            guard let planned = try await planned(item, selection.source, isAlone: isAlone) else { return }
            try plan.add(planned)
            if let remark = item.remark { progress.remark("\(item.image.title) is called \(item.name): \(remark)") }
        } catch {
            guard options.keepGoing else { throw error }
            plan.failures.append(
                CopyReport.Image(
                    source: selection.source.title, name: item.name, descriptor: item.image.descriptor,
                    previousDigest: item.image.descriptor.digest, outcome: .failed(error)))
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
            progress.remark("left out: \(text)")
            return nil
        }
        try refuseSchema1(graph, image, source)
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
        if changes { try await graph.learnDiffIDs(of: image, in: source, strictly: true) }
        var planned = PlannedImage(
            source: source, image: image, name: item.name, graph: graph, compressions: compressions,
            format: options.format ?? (changes && choice == .gzipRaw ? .docker : nil))
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
            progress.remark("\(image.title): \(planned.foreignLayers) foreign layers stay where their URLs say")
        }
        if !options.platforms.isEmpty, !planned.keepsDigests, case .index = graph.rootNode?.manifest.content {
            progress.remark("\(image.title): the index is cut down to the chosen platforms and has a new digest")
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
            progress.remark("\(image.title): \(count) referrers (signatures and the like) stay behind: \(reason)")
        }
    }

    private func refuseSchema1(_ graph: ImageGraph, _ image: SourceImage, _ source: any ImageSource) throws {
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

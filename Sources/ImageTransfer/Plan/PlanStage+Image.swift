import ImageModel

/// Plans one image: its graph, its form, and what is to be said of it.
extension PlanStage {
    /// - Returns: nil if the image is not for the platforms that were asked for, but others may be.
    func planned(
        _ item: DestinationNaming.Named, _ selection: CopySelection, _ manifests: SharedManifests, isAlone: Bool
    ) async throws -> ImagePlan? {
        let source = selection.source
        let image = item.image
        var graph: ImageGraph
        do {
            graph = try await ImageGraph(
                of: image, in: source, platforms: options.platforms, sharing: manifests, names: options.names)
        } catch let error as ImageError where error.code == .otherPlatform && !isAlone {
            remarks.say(error.description, "it is left out")
            return nil
        }
        for part in graph.leftOut {
            let what = part.entry.isAttestation ? "attestation" : part.entry.platform?.description ?? "part"
            remarks.say(
                "\(image.title): \(what) \(part.entry.digest) is left out (\(part.reason))", "missing from the source")
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
        if !compressions.isEmpty {
            do {
                try await graph.learnDiffIDs()
            } catch let misfit as ConfigMisfit {
                guard options.compression == nil else {
                    throw ImageError.damaged(
                        "\(misfit)" + options.names.advice(\.compression) { "\($0) keep copies it as it is" })
                }
                remarks.say("\(misfit)", "its layers are copied as they are")
                compressions = [:]
            }
        }
        var format = options.format
        // schema2 where it can say what the layers become: it has no name for zstd.
        if !compressions.isEmpty, choice == .gzipRaw, format == nil, !graph.hasZstd(changing: compressions) {
            format = .docker
        }
        let planned = ImagePlan(
            graph, of: image, in: source, name: item.name, rule: selection.rule, compressions: compressions,
            format: format)
        let rehearsed = try planned.rehearsal(options.names)
        guard planned.keepsDigests || !options.strict else {
            throw ImageError.refused(
                "\(image.title) would get a new digest, and --strict forbids that"
                    + (choice == .gzipRaw
                        ? options.names.advice(\.compression) { "\($0) keep carries its raw layers as they are" } : ""))
        }
        if destination.traits.holdsReferrers {
            if planned.keepsDigests {
                try await graph.addReferrers()
            } else {
                try await remarkLostReferrers(graph, image, source, "its digest changes")
            }
        } else {
            try await remarkLostReferrers(graph, image, source, "\(destination.title) cannot hold them")
        }
        var unloadableConfig: Digest?
        if destination.traits.hasDockerPart {
            unloadableConfig = try await remarkUnloadable(planned, rehearsed)
        } else if planned.foreignLayers > 0 {
            remarks.say(
                "\(image.title) has \(planned.foreignLayers) foreign layers", "they stay where their URLs say")
        }
        if options.platforms != .all, !planned.keepsDigests, graph.rootNode?.manifest.kind == .index {
            remarks.say(image.title, "the index is cut down to the chosen platforms and has a new digest")
        }
        return ImagePlan(
            graph, of: image, in: source, name: item.name, rule: selection.rule, compressions: compressions,
            format: format, unloadableConfig: unloadableConfig)
    }

    /// Says why docker cannot load an image from an archive, which holds it all the same.
    ///
    /// - Returns: the config that does not fit the layers, if that is the reason.
    private func remarkUnloadable(_ planned: ImagePlan, _ manifests: [Manifest]) async throws -> Digest? {
        let image = planned.image
        guard !image.isAttachment else { return nil }
        let known = Dictionary(manifests.map { ($0.digest, $0) }) { first, _ in first }
        var problem: String? = "it is not a container image"
        var config: Digest?
        let root = planned.root(of: manifests).digest
        if let content = DockerPart.image(below: root, in: { known[$0].flatMap(DockerPart.content) }) {
            problem = DockerPart.problem(of: content)
            if problem == nil, let misfit = try await misfit(of: content, planned) {
                (problem, config) = (misfit, content.config.digest)
            }
        }
        if let problem {
            remarks.say(
                "\(image.title): \(problem)",
                "left out of manifest.json, so docker load takes it only from the OCI part")
        }
        return config
    }

    /// Why a config does not fit an image's layers; nil if it does, or is not there to be looked at.
    private func misfit(of content: ImageManifest, _ planned: ImagePlan) async throws -> String? {
        let repository = planned.image.repository
        guard try await planned.source.findAbsence(of: content.config, in: repository) == nil,
            let config = try? await planned.source.config(of: content, in: repository),
            config.diffIDs.count != content.layers.count
        else { return nil }
        return "its config has \(config.diffIDs.count) diffIDs for \(content.layers.count) layers"
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
            throw ImageError.refused(
                "\(image.title) in \(source.title) goes by SHA-512, and in \(destination.title) it would go by SHA-256: "
                    + "copy it to an oci: layout")
        }
        guard !destination.traits.holdsSchema1 else { return }
        for node in graph.nodes {
            if case .schema1 = node.manifest.content {
                throw ImageError.refused(
                    "\(image.title) in \(source.title) is a schema1 manifest, which \(destination.title) cannot hold; "
                        + "copy it to a store:")
            }
        }
    }
}

import ImageModel

/// Makes the new manifest where an image changes its form. What dray does not know in it stays as it was.
struct ManifestRewriter {
    /// What layers became, by the digest that they had.
    var layers: [Digest: Descriptor]
    /// What manifests became.
    var manifests: [Digest: Descriptor]
    /// The family that everything is to be in; nil to leave it.
    var format: ManifestFormat?
    /// What messages may advise.
    var options = OptionNames()

    /// - Returns: the manifest itself, bytes and all, if nothing in it changes.
    func rewrite(_ node: ImageGraph.Node) throws -> Manifest {
        let manifest = node.manifest
        let name = "manifest \(manifest.digest)"
        switch manifest.content {
        case .schema1: return manifest
        case .image(let image):
            let compressions = Set(image.layers.map { (layers[$0.digest] ?? $0).mediaType.layerCompression })
            // schema2 has no name for zstd.
            let family = format ?? (compressions.contains(.zstd) ? .oci : nil)
            let isImage = image.config.mediaType.isImageConfig
            let type =
                isImage ? family.map { manifest.mediaType.renamed(for: $0) } ?? manifest.mediaType : manifest.mediaType
            let target = type.manifestFormat
            if target == .docker, compressions.contains(.zstd) {
                throw ImageError.refused(
                    "\(name) has zstd layers, for which schema2 has no media type"
                        + options.advice(\.compression) { "\($0) gzip compresses them again" })
            }
            guard type != manifest.mediaType || image.layers.contains(where: { layers[$0.digest] != nil }) else {
                return manifest
            }
            var json = try object(manifest, name)
            json["mediaType"] = .string(type.rawValue)
            if let target, case .object(var config)? = json["config"] {
                config["mediaType"] = .string(image.config.mediaType.renamed(for: target).rawValue)
                json["config"] = .object(config)
            }
            json["layers"] = .array(
                try entries(json["layers"]).map { entry in
                    guard let old = entry["digest"]?.string.flatMap({ Digest($0) }) else { return .object(entry) }
                    var entry = entry
                    var mediaType = MediaType(entry["mediaType"]?.string ?? "")
                    if let new = layers[old] {
                        replace(&entry, by: new)
                        mediaType = new.mediaType
                    }
                    if let target { mediaType = mediaType.renamed(for: target) }
                    entry["mediaType"] = .string(mediaType.rawValue)
                    return .object(entry)
                })
            return try made(json, type, manifest, name)
        case .index(let index):
            let type = format.map { manifest.mediaType.renamed(for: $0) } ?? manifest.mediaType
            let kept = node.keptChildren.map { Set($0.map(\.digest)) }
            let isCut = kept.map { kept in index.manifests.contains { !kept.contains($0.digest) } } ?? false
            let isChanged = index.manifests.contains {
                manifests[$0.digest] != nil && manifests[$0.digest]?.digest != $0.digest
            }
            guard type != manifest.mediaType || isCut || isChanged else { return manifest }
            var json = try object(manifest, name)
            json["mediaType"] = .string(type.rawValue)
            json["manifests"] = .array(
                try entries(json["manifests"]).compactMap { entry in
                    guard let old = entry["digest"]?.string.flatMap({ Digest($0) }) else { return .object(entry) }
                    if let kept, !kept.contains(old) { return nil }
                    var entry = entry
                    if let new = manifests[old], new.digest != old {
                        replace(&entry, by: new)
                        entry["mediaType"] = .string(new.mediaType.rawValue)
                    }
                    if case .object(var annotations)? = entry["annotations"],
                        let attested = annotations[Descriptor.attestedDigestKey]?.string.flatMap({ Digest($0) }),
                        let new = manifests[attested]
                    {
                        annotations[Descriptor.attestedDigestKey] = .string(new.digest.description)
                        entry["annotations"] = .object(annotations)
                    }
                    return .object(entry)
                })
            return try made(json, type, manifest, name)
        }
    }

    /// Makes a descriptor one of other content, without what it said of the bytes that it was of.
    private func replace(_ entry: inout [String: JSONValue], by new: Descriptor) {
        entry["digest"] = .string(new.digest.description)
        entry["size"] = .integer(new.size)
        entry["data"] = nil
        entry["urls"] = nil
        guard let annotations = entry["annotations"]?.object else { return }
        let kept = annotations.filter { annotation in
            !Self.annotationsOfBytes.contains { annotation.key.hasPrefix($0) }
        }
        entry["annotations"] = kept.isEmpty ? nil : .object(kept)
    }

    /// Annotations that describe how a layer is compressed, and are wrong once it is compressed in another way: tables of
    /// contents and their places, sizes, and formats for lazy pulling. Sources: stargz-snapshotter's docs/estargz.md,
    /// containers/storage's pkg/chunked, nydus-snapshotter, accelerated-container-image (overlaybd).
    private static let annotationsOfBytes = [
        "containerd.io/snapshot/", "io.containers.estargz.", "io.containers.zstd-chunked.",
        "io.github.containers.estargz.", "io.github.containers.zstd-chunked.", "io.containers.zstd_chunked.",
        "com.amazon.soci.", "containerd.io/uncompressed-size",
    ]

    private func object(_ manifest: Manifest, _ name: String) throws -> [String: JSONValue] {
        try Document.object(from: manifest.bytes, name: name)
    }

    private func entries(_ list: JSONValue?) throws -> [[String: JSONValue]] {
        guard case .array(let list)? = list else { return [] }
        return list.compactMap(\.object)
    }

    private func made(
        _ json: [String: JSONValue], _ type: MediaType, _ old: Manifest, _ name: String
    ) throws -> Manifest {
        try Manifest(
            Document.encode(JSONValue.object(json)), mediaType: type, algorithm: old.digest.algorithm,
            name: "new \(name)")
    }
}

public import ByteStreams
public import ImageModel
public import ImageTransfer

/// A store is verified by its files: links are one thing, and what they lead to another. In a tar only the images
/// are.
extension StoreSource: VerifiedPlace {
    /// - Parameters:
    ///   - name: REPOSITORY[:TAG]; nil for the whole store, with everything that lies in it.
    public func survey(named name: String?, digest: Digest?) async throws -> PlaceSurvey {
        guard tree is DirectoryTree else { return PlaceSurvey(try await listing(named: name, digest: digest)) }
        guard name == nil, digest == nil else { return try await survey(of: listing(named: name, digest: digest)) }
        return try await StoreAudit(root: tree.path).survey()
    }

    /// Of a part: the links of its repositories, and nothing of what else there is.
    private func survey(of listing: SourceListing) async throws -> PlaceSurvey {
        var survey = PlaceSurvey(listing)
        let repositories = Set(survey.roots.compactMap(\.repository)).sorted()
        survey.served = try await StoreAudit(root: tree.path).served(repositories)
        survey.isLive = true
        return survey
    }

    private func target(of digest: Digest, _ link: String) throws -> Digest {
        guard digest.algorithm != .sha256 else { return digest }
        return try self.link(link) ?? digest
    }

    public func storedManifest(_ descriptor: Descriptor, in repository: String?) async throws -> Manifest {
        try await Workers.blobs.run { [self] in
            let paths = try paths()
            let target = try target(
                of: descriptor.digest, paths.revisionLink(descriptor.digest, repository ?? ""))
            return try tree.manifest(
                Descriptor(mediaType: descriptor.mediaType, digest: descriptor.digest, size: -1),
                at: paths.blob(target), title: title)
        }
    }

    /// The file of a blob, relative to the tree.
    private func file(_ descriptor: Descriptor, in repository: String?) throws -> String {
        let paths = try paths()
        return paths.blob(
            try target(of: descriptor.digest, paths.layerLink(descriptor.digest, repository ?? "")))
    }

    public func storedBlob(_ descriptor: Descriptor, in repository: String?) async throws -> any ByteSource {
        DeferredSource { [self] in
            guard let source = try tree.open(file(descriptor, in: repository)) else {
                throw TransferError.notFound("\(title) has no blob \(descriptor.digest)")
            }
            return source
        }
    }

    public func stamp(of blob: Descriptor, in repository: String?) async throws -> String? {
        try await Workers.blobs.run { [self] in try tree.stamp(of: file(blob, in: repository)) }
    }
}

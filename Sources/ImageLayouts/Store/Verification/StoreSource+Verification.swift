public import ByteStreams
public import ImageModel
public import ImageTransfer

/// A store is verified by its files: links are one thing, and what they lead to another. In a tar only the images
/// are.
extension StoreSource: VerifiedPlace {
    /// - Parameters:
    ///   - name: REPOSITORY[:TAG]; nil for the whole store, with everything that lies in it.
    public func survey(named name: String?, digest: Digest?) async throws -> PlaceSurvey {
        guard tree is DirectoryTree else {
            let listing = try await listing(named: name, digest: digest)
            return try await Workers.blobs.run { [self] in try survey(ofArchived: listing) }
        }
        let audit = StoreAudit(root: tree.path)
        guard name != nil || digest != nil else { return try await audit.survey() }
        do {
            let listing = try await listing(named: name, digest: digest)
            return try await audit.survey(StorePart.parts(of: listing, named: name, digest: digest))
        } catch let error as TransferError {
            guard case .notFound = error, digest == nil, let part = StorePart(named: name) else { throw error }
            let survey = try await audit.survey([part])
            if survey.findings.isEmpty { throw error }
            return survey
        }
    }

    /// What the links in an archive lead to, and what they let its repositories serve.
    private func survey(ofArchived listing: SourceListing) throws -> PlaceSurvey {
        var survey = PlaceSurvey(listing)
        let paths = try paths()
        var served: [String: ServedContent] = [:]
        for repository in Set(survey.roots.compactMap(\.repository)) {
            var own = ServedContent()
            try forEachLink(paths.revisionLink(_:_:), paths.revisions(_:_:), repository) { digest, fault in
                if let fault { own.manifestFaults[digest] = fault } else { own.manifests.insert(digest) }
            }
            try forEachLink(paths.layerLink(_:_:), paths.layers(_:_:), repository) { digest, fault in
                if let fault { own.blobFaults[digest] = fault } else { own.blobs.insert(digest) }
            }
            served[repository] = own
        }
        survey.served = served
        return survey
    }

    /// Calls `body` with every digest that a repository links, and what is wrong with that link.
    private func forEachLink(
        _ path: (Digest, String) -> String, _ folder: (String, Digest.Algorithm) -> String, _ repository: String,
        _ body: (Digest, _ fault: String?) -> Void
    ) throws {
        for algorithm in Digest.Algorithm.allCases {
            for hex in try tree.list(folder(repository, algorithm)) ?? [] {
                guard let digest = Digest(algorithm, hex: hex) else { continue }
                do {
                    guard let target = try link(path(digest, repository)) else { continue }
                    // Everything is filed under SHA-256, and linked to that.
                    let isRight = algorithm == .sha256 ? target == digest : target.algorithm == .sha256
                    body(digest, isRight ? nil : "says \(target)")
                } catch let error where BrokenImage(name: .none, error: error) != nil {
                    body(digest, "cannot be read: \(error)")
                }
            }
        }
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

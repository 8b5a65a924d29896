package import ByteStreams
import FileTrees
package import ImageModel
import ImageTransfer
package import ImageVerification

/// A store is verified by its files: links are one thing, and what they lead to another. In a tar only the images
/// are.
extension StoreSource: VerifiedPlace {
    /// - Parameters:
    ///   - name: REPOSITORY[:TAG]; nil for the whole store, with everything that lies in it.
    package func survey(named name: String?, digest: Digest?) async throws -> PlaceSurvey {
        let isWhole = name == nil && digest == nil
        guard tree is DirectoryTree else {
            let parts = isWhole ? nil : try await parts(named: name, digest: digest)
            return try await Workers.blobs.run { [self] in try surveyArchive(parts) }
        }
        let audit = StoreAudit(root: tree.path)
        guard !isWhole else { return try await audit.survey() }
        return try await audit.survey(parts(named: name, digest: digest))
    }

    /// What a reference means: repositories as they lie there, with tags that lead nowhere, or single images.
    private func parts(named name: String?, digest: Digest?) async throws -> [StorePart] {
        if let name, digest == nil {
            // Where the tag lies, whether it leads anywhere or not: nothing else has to be read to know what is meant.
            let tagged = try await Workers.blobs.run { [self] in
                try StorePart(taggedAs: name) { try tree.list(paths().tag($1, $0)) != nil }
            }
            if let tagged { return [tagged] }
            let pattern = RepositoryPattern(name)
            let wanted = try await Workers.blobs.run { [self] in
                try repositories(paths()).filter {
                    try ($0 == name || pattern?.matches($0) == true) && !isEmpty($0, paths())
                }
            }
            if !wanted.isEmpty { return wanted.map { StorePart(whole: $0) } }
        }
        return StorePart.parts(of: try await listing(named: name, digest: digest))
    }

    /// Whether a repository has neither tags nor manifests, as deletions leave it.
    private func isEmpty(_ repository: String, _ paths: StorePaths) throws -> Bool {
        try (tree.list(paths.tags(repository)) ?? []).isEmpty
            && Digest.Algorithm.allCases.allSatisfy { try (tree.list(paths.revisions(repository, $0)) ?? []).isEmpty }
    }

    /// The links in an archive: what they lead to, and what they let its repositories serve.
    ///
    /// - Parameter parts: nil for all of it.
    private func surveyArchive(_ parts: [StorePart]?) throws -> PlaceSurvey {
        let paths = try paths()
        var passedOver = SourceListing()
        let parts = try parts ?? repositories(paths) { passedOver.notes.append($0) }.map { StorePart(whole: $0) }
        var survey = PlaceSurvey(passedOver)
        var served: [String: ServedContent] = [:]
        for part in parts {
            let repository = part.repository
            for tag in try tree.list(paths.tags(repository)) ?? [] where ImageName.isTag(tag) && part.has(tag: tag) {
                let full = ImageName(repository: repository, tag: tag)
                var problem = "is not there"
                do {
                    if let digest = try link(paths.currentLink(tag, repository)) {
                        let descriptor = Descriptor(untyped: digest)
                        survey.roots.append(PlaceSurvey.Root("\(full)", descriptor, repository: repository))
                        continue
                    }
                } catch let error where BrokenImage(name: .none, error: error) != nil {
                    problem = "cannot be read: \(error)"
                }
                survey.findings.append(
                    Finding(
                        .tagDamaged, "\(full)", "is a tag that means nothing: its link \(problem)",
                        affected: [AffectedImage("\(full)")], advice: "take a sound copy of \(title)"))
            }
            var own = ServedContent()
            try forEachLink(paths.revisionLink(_:_:), paths.revisions(_:_:), repository) { digest, fault in
                if let fault { own.manifestFaults[digest] = fault } else { own.manifests.insert(digest) }
                guard part.has(digest) else { return }
                let descriptor = Descriptor(untyped: digest)
                survey.roots.append(PlaceSurvey.Root("\(repository)@\(digest)", descriptor, repository: repository))
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
                let file = path(digest, repository)
                // Without reading it again, where an archive streamed by: there may be very many.
                if algorithm == .sha256, try tree.facts(of: file)?.digest == Digest(of: Array(digest.description.utf8))
                {
                    body(digest, nil)
                    continue
                }
                do {
                    guard let target = try link(file) else { continue }
                    body(digest, StorePaths.mayLink(digest, to: target) ? nil : "says \(target)")
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

    package func storedManifest(_ descriptor: Descriptor, in repository: String?) async throws -> Manifest {
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

    package func storedBlob(_ descriptor: Descriptor, in repository: String?) async throws -> any ByteSource {
        DeferredSource { [self] in
            guard let source = try tree.open(file(descriptor, in: repository)) else {
                throw ImageError.notFound("\(title) has no blob \(descriptor.digest)")
            }
            return source
        }
    }

    package func stamp(of blob: Descriptor, in repository: String?) async throws -> String? {
        try await Workers.blobs.run { [self] in try tree.stamp(of: file(blob, in: repository)) }
    }
}

package import ByteStreams
package import ImageModel
import ImageTransfer
package import ImageVerification

/// A registry is verified by asking for everything that it lists, in every repository.
extension RegistrySource: VerifiedPlace {
    package var sharesContent: Bool { false }

    package func survey(named name: String?, digest: Digest?) async throws -> PlaceSurvey {
        var survey = PlaceSurvey()
        survey.hidesReferrers = true
        survey.isLive = true
        for tag in try await tags(named: name, digest: digest) {
            let full = tag.name
            do {
                let image: SourceImage = try await RegistryFault.asDamage {
                    try await self.image(named: full, digest: digest)
                }
                survey.roots.append(PlaceSurvey.Root(image.title, image.descriptor, repository: image.repository))
            } catch let error where BrokenImage(name: .none, error: error) != nil {
                guard tag.isListed else { throw error }
                survey.findings.append(
                    Finding(
                        .tagDamaged, "\(host)/\(full)", "is listed and cannot be had: \(error)",
                        affected: [AffectedImage("\(host)/\(full)")],
                        advice: "--repair-from a place that has the tag pushes it again",
                        remedy: ImageName(withoutHost: full).map { .tag($0, meant: nil) }))
            }
        }
        return survey
    }

    package func storedManifest(_ descriptor: Descriptor, in repository: String?) async throws -> Manifest {
        try await RegistryFault.asDamage {
            try await manifest(
                Descriptor(mediaType: descriptor.mediaType, digest: descriptor.digest, size: -1), in: repository)
        }
    }

    package func storedBlob(_ descriptor: Descriptor, in repository: String?) async throws -> any ByteSource {
        let blob = try await blob(descriptor, in: repository)
        return ReadingSource { buffer in
            do { return try blob.read(into: buffer) } catch { throw RegistryFault.damage(error) }
        }
    }

    package func serves(_ blob: Descriptor, in repository: String?) async throws -> Bool {
        try await Workers.blobs.run { [self] in try has(blob, in: repository) }
    }

    /// What a reference means, by the registry's lists: a tag that is listed need not lead to anything.
    ///
    /// - Returns: names as `listing(named:)` takes them.
    func tags(named name: String?, digest: Digest?) async throws -> [(name: String, isListed: Bool)] {
        let part = try part(name)
        if let part, let tag = part.tag { return [("\(part.repository):\(tag)", false)] }
        if let part, digest != nil { return [(part.repository, false)] }
        return try await Workers.blobs.run { [self] in
            func tags(in repository: String) throws -> [(name: String, isListed: Bool)] {
                try listedTags(in: repository).map { ("\(repository):\($0)", true) }
            }
            let repositories: [String]
            if let part {
                do {
                    return try tags(in: part.repository)
                } catch let error as ImageError where error.code == .notFound {
                    repositories = self.repositories(below: part.repository)
                    guard !repositories.isEmpty else { throw error }
                }
            } else {
                repositories = try registry.repositories()
            }
            return try repositories.flatMap { repository in
                do {
                    return try tags(in: repository)
                } catch let error as ImageError where error.code == .notFound {
                    // A push that broke off leaves a repository without a tag.
                    return []
                }
            }
        }
    }

    func has(_ blob: Descriptor, in repository: String?) throws -> Bool {
        try registry.hasBlob(blob.digest, size: blob.size, in: own(repository))
    }
}

extension RegistryDestination: MendablePlace {
    /// As near to the push as can be, for a registry cannot be locked. A tag of which it can tell nothing is broken.
    package func mend(_ name: ImageName, to descriptor: Descriptor) async throws {
        if case .some(.some) = try? await digest(of: name) { return }
        try await push(descriptor, as: name)
    }
}

/// A registry that answers with a failure of its own when it is asked for one thing: that thing is damaged there.
private enum RegistryFault {
    static func asDamage<T>(_ body: () async throws -> T) async throws -> T {
        do { return try await body() } catch { throw damage(error) }
    }

    static func damage(_ error: any Error) -> any Error {
        guard let error = error as? ImageError, error.request?.status == 500 else { return error }
        return ImageError.damaged("\(error)")
    }
}

import ByteStreams
import FileTrees
package import ImageModel
import ImageTransfer
package import ImageVerification

/// Nothing in a `dir:` says which digest its image has: a manifest.json that reads well is taken for the right one.
extension ImageDirectory: VerifiedPlace {
    package func survey(named name: String?, digest: Digest?) async throws -> PlaceSurvey {
        guard try fileKind(path) == .directory else { throw ImageError.notFound("there is no directory \(path)") }
        var survey = PlaceSurvey()
        survey.isLive = true
        do {
            // A `dir:` keeps no names, so whatever name is asked for is its image.
            let image = try await image(named: nil, digest: digest)
            survey.roots = [PlaceSurvey.Root(title, image.descriptor, repository: nil)]
        } catch let error where BrokenImage(name: .none, error: error) != nil {
            if digest != nil { throw error }
            survey.findings.append(
                Finding(
                    .listDamaged, "manifest.json", "cannot be read, so nobody knows which image this is: \(error)",
                    affected: [AffectedImage(title)], advice: "--repair-from the image brings it back",
                    remedy: .file("manifest.json", implied: nil, target: nil)))
        }
        let own = survey
        return try await Workers.blobs.run { [path] in
            var survey = own
            try Self.addFiles(of: path, to: &survey)
            return survey
        }
    }

    private static func addFiles(of path: String, to survey: inout PlaceSurvey) throws {
        guard let directory = try DirectoryHandle.open(path, reach: .anywhere) else { return }
        var permissions = PermissionSurvey()
        var blobs: [Digest: Int64] = [:]
        for entry in try directory.entries() where entry.name != ".dray" {
            let status = try directory.status(entry.name)
            let stem = entry.name.hasSuffix(".manifest.json") ? entry.name.dropLast(14) : entry.name[...]
            let digest = Digest(.sha256, hex: stem)
            guard let status, status.isFile, digest != nil || ["version", "manifest.json"].contains(entry.name) else {
                survey.findings.append(
                    Finding(.foreign, entry.name, "is nothing that belongs to a dir:", advice: "remove it"))
                continue
            }
            permissions.add(entry.name, status)
            if let digest, stem == entry.name { blobs[digest] = status.size }
        }
        survey.blobs = blobs
        survey.findings += try StagingArea.leftovers(in: path) + permissions.findings
    }

    package func stamp(of blob: Descriptor, in repository: String?) async throws -> String? {
        try DirectoryTree(path).stamp(of: blob.digest.hex)
    }

    /// One that is damaged would bring nothing back.
    package func listFile(_ name: String) async throws -> [UInt8]? {
        guard name == "manifest.json" else { return nil }
        return try await Workers.blobs.run { [self] in try root().bytes }
    }
}

extension ImageDirectory: MendablePlace {
    package func put(_ bytes: [UInt8], at path: String, leadingTo target: Digest?) async throws {
        try await Workers.blobs.run { [self] in
            let area = try area()
            // Nobody else writes from here on.
            if (try? root()) != nil { return }
            try area.write(bytes, to: path)
        }
    }

    package func owns(
        _ list: [UInt8], at path: String, reading read: @Sendable (Descriptor) async -> Manifest?
    ) async throws -> Bool {
        let manifest = try Manifest(list, name: path)
        let origin = ListOrigin { [path = self.path] digest in
            try ["", ".manifest.json"].contains { try fileSize("\(path)/\(digest.hex)\($0)") != nil }
        }
        return try await origin.isHere(manifest.children + manifest.blobs, reading: read)
    }

    package func keptReplaced() throws -> String? { try quarantine?.settle() }
}

import ByteStreams
public import ImageModel
public import ImageTransfer

/// A layout is verified with all blobs that lie in it; one in an archive, by what its index leads to.
extension OCISource: VerifiedPlace {
    public func survey(named name: String?, digest: Digest?) async throws -> PlaceSurvey {
        guard name == nil, digest == nil else {
            var survey = PlaceSurvey(try await listing(named: name, digest: digest))
            survey.isLive = tree is DirectoryTree
            return survey
        }
        return try await Workers.blobs.run { [self] in
            var survey = PlaceSurvey()
            let entries = try entries(&survey.findings)
            survey.roots = entries.map { PlaceSurvey.Root(title(of: $0), $0, repository: nil) }
            guard let directory = tree as? DirectoryTree else { return survey }
            survey.isLive = true
            survey.reclaim = "remove it"
            let files = try BlobFolder.survey(of: directory.path)
            survey.findings += files.findings
            survey.blobs = files.sizes
            return survey
        }
    }

    private func title(of entry: Descriptor) -> String {
        switch entry.layoutName {
        case .full(let name): name.description
        case .tag(let tag): tag
        case .none: entry.digest.description
        }
    }

    /// What the two documents say without which there is no layout, and what is wrong with them.
    private func entries(_ findings: inout [Finding]) throws -> [Descriptor] {
        func damaged(_ path: String, _ problem: String, implied: [UInt8]?) -> Finding {
            Finding(
                .listDamaged, path, problem, affected: [AffectedImage("everything in \(title)")],
                advice: implied == nil
                    ? "--repair-from a copy of this layout brings it back"
                    : "--repair-from with any source writes it anew",
                remedy: .file(path, implied: implied, target: nil))
        }
        let content = Array(OCIPaths.layoutContent.utf8)
        do {
            if let layout = try tree.read(OCIPaths.layout, limit: Document.sizeLimit) {
                let version = try OCILayoutFile(layout, name: OCIPaths.layout).imageLayoutVersion
                if !OCILayoutFile.isKnown(version) {
                    findings.append(
                        damaged(
                            OCIPaths.layout, "says that this is a layout of version \(version), and 1.0 is known",
                            implied: content))
                }
            } else {
                findings.append(
                    damaged(
                        OCIPaths.layout, "is not there, so this is no OCI layout to most programs", implied: content))
            }
        } catch let error where BrokenImage(name: .none, error: error) != nil {
            findings.append(damaged(OCIPaths.layout, "cannot be understood: \(error)", implied: content))
        }
        do {
            guard let bytes = try tree.read(OCIPaths.index, limit: Document.indexSizeLimit) else {
                findings.append(
                    damaged(OCIPaths.index, "is not there, so nobody knows what images there are", implied: nil))
                return []
            }
            return try Document.decode(
                ImageIndex.self, from: bytes, name: OCIPaths.index, sizeLimit: Document.indexSizeLimit
            ).manifests
        } catch let error where BrokenImage(name: .none, error: error) != nil {
            findings.append(damaged(OCIPaths.index, "cannot be understood: \(error)", implied: nil))
            return []
        }
    }

    public func stamp(of blob: Descriptor, in repository: String?) async throws -> String? {
        try tree.stamp(of: OCIPaths.blob(blob.digest))
    }

    public func listFile(_ name: String) async throws -> [UInt8]? {
        guard name == OCIPaths.layout || name == OCIPaths.index else { return nil }
        return try await Workers.blobs.run { [tree] in try tree.read(name, limit: Document.indexSizeLimit) }
    }
}

/// The files of a layout.
private struct BlobFolder {
    /// Bytes.
    var sizes: [Digest: Int64] = [:]
    var findings: [Finding] = []
    private var permissions = PermissionSurvey()

    static func survey(of root: String) throws -> BlobFolder {
        var folder = BlobFolder()
        guard let directory = try DirectoryHandle.open(root) else { return folder }
        for entry in try directory.entries() {
            switch entry.name {
            // Docker's own list may lie beside the layout's.
            case OCIPaths.layout, OCIPaths.index, "manifest.json", "repositories":
                if let status = try directory.status(entry.name) { folder.permissions.add(entry.name, status) }
            case "blobs": try folder.read(directory)
            case ".dray": break
            default: folder.stranger(entry.name)
            }
        }
        folder.findings += folder.permissions.findings
        return folder
    }

    private mutating func stranger(_ path: String) {
        findings.append(Finding(.foreign, path, "is nothing that belongs to a layout", advice: "remove it"))
    }

    private mutating func read(_ directory: DirectoryHandle) throws {
        guard let blobs = try directory.open("blobs") else { return stranger("blobs") }
        for algorithm in try blobs.entries() {
            guard let known = Digest.Algorithm(rawValue: algorithm.name), let folder = try blobs.open(algorithm.name)
            else {
                stranger("blobs/\(algorithm.name)")
                continue
            }
            for entry in try folder.entries() {
                let path = "blobs/\(algorithm.name)/\(entry.name)"
                guard let digest = Digest(known, hex: entry.name), let status = try folder.status(entry.name),
                    status.isFile
                else {
                    stranger(path)
                    continue
                }
                sizes[digest] = status.size
                permissions.add(path, status)
            }
        }
    }
}

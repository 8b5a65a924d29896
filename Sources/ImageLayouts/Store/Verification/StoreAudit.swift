import ByteStreams
import ImageModel
import ImageTransfer

/// Looks through a whole store for a verification: all links, then all blobs, without reading any of those.
struct StoreAudit: Sendable {
    let root: String

    private var base: String { "\(root)/\(StorePaths.standard.root)" }

    /// - Throws: `TransferError.notFound` where there is no store.
    func survey() async throws -> PlaceSurvey {
        let repositories = try await repositories(nil)
        var survey = PlaceSurvey()
        var permissions = PermissionSurvey()
        var served: [String: ServedContent] = [:]
        var empty = 0
        for case .success(let links) in repositories {
            survey.roots += links.roots
            survey.findings += links.findings
            survey.aliased.formUnion(links.aliased)
            served[links.name] = links.served
            permissions.add(links.permissions)
            empty += links.emptyDirectories
        }
        survey.findings += repositories.compactMap {
            if case .failure(let failure) = $0 { failure.finding } else { nil }
        }
        let blobs = try await Workers.blobs.run { try BlobFiles(below: base) }
        permissions.add(blobs.permissions)
        empty += blobs.emptyDirectories
        survey.findings += blobs.findings + permissions.findings
        if empty > 0 {
            survey.findings.append(
                Finding(
                    .leftover, root, "has \(empty) directories without what they are for, as deletions leave them",
                    advice: "dray gc clears them away"))
        }
        survey.blobs = blobs.sizes
        survey.served = served
        survey.isLive = true
        survey.reclaim = "dray gc reclaims it"
        return survey
    }

    /// What these repositories may serve.
    func served(_ names: [String]) async throws -> [String: ServedContent] {
        var served: [String: ServedContent] = [:]
        for case .success(let links) in try await repositories(names) { served[links.name] = links.served }
        return served
    }

    /// A repository that cannot be looked at.
    private struct Unreadable: Error {
        var finding: Finding
    }

    private func repositories(_ names: [String]?) async throws -> [Result<RepositoryLinks, Unreadable>] {
        let (folder, found) = try await Workers.blobs.run {
            guard let tree = try DirectoryHandle.open(base) else {
                throw TransferError.notFound("\(root) is no registry's storage: there is no \(base)")
            }
            guard let folder = try tree.open("repositories") else { return (DirectoryHandle?.none, [String]()) }
            return (folder, try names ?? StoreWalk.repositories(below: folder).map(\.name))
        }
        guard let folder else { return [] }
        return try await inParallel(found) { name, _ in
            do {
                return .success(try RepositoryLinks(name, in: folder))
            } catch let error as StreamError {
                return .failure(
                    Unreadable(
                        finding: Finding(
                            .unreadable, name, "is a repository that cannot be read: \(error)",
                            affected: [AffectedImage(name)], advice: "see to the disk and the permissions")))
            }
        }
    }
}

/// The files below `blobs`, by their names.
private struct BlobFiles: Sendable {
    /// Bytes.
    var sizes: [Digest: Int64] = [:]
    var findings: [Finding] = []
    var permissions = PermissionSurvey()
    var emptyDirectories = 0

    init(below base: String) throws {
        let tree = try DirectoryHandle.open(base)
        for entry in try tree?.entries() ?? [] where entry.name != "blobs" && entry.name != "repositories" {
            stranger(entry.name)
        }
        for entry in try tree?.open("repositories")?.entries() ?? [] where entry.kind == .file {
            stranger("repositories/\(entry.name)")
        }
        guard let tree, let blobs = try tree.open("blobs") else { return }
        for entry in try blobs.entries() where entry.name != "sha256" { stranger("blobs/\(entry.name)") }
        guard let all = try blobs.open("sha256") else { return }
        for entry in try all.entries() {
            guard entry.name.utf8.count == 2, let folder = try all.open(entry.name) else {
                stranger("blobs/sha256/\(entry.name)")
                continue
            }
            try read(folder, "blobs/sha256/\(entry.name)", prefix: entry.name)
        }
    }

    private mutating func stranger(_ path: String) {
        findings.append(
            Finding(
                .foreign, "\(StorePaths.standard.root)/\(path)", "is nothing that a registry writes",
                advice: "remove it"))
    }

    private mutating func read(_ folder: DirectoryHandle, _ path: String, prefix: String) throws {
        for entry in try folder.entries() {
            let place = "\(path)/\(entry.name)"
            guard let digest = Digest(.sha256, hex: entry.name), entry.name.hasPrefix(prefix),
                let own = try folder.open(entry.name)
            else {
                stranger(place)
                continue
            }
            for other in try own.entries() where other.name != "data" { stranger("\(place)/\(other.name)") }
            guard let status = try own.status("data") else {
                emptyDirectories += 1
                continue
            }
            // Whoever needs it is told that it is not there.
            guard status.isFile else {
                stranger("\(place)/data")
                continue
            }
            sizes[digest] = status.size
            permissions.add("\(StorePaths.standard.root)/\(place)/data", status)
        }
    }
}

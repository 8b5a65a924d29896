import ByteStreams
import FileTrees
import ImageModel
import ImageTransfer
import ImageVerification

/// Looks through a whole store for a verification: all links, then all blobs, without reading any of those.
struct StoreAudit: Sendable {
    let root: String

    /// Where a directory of the store is a link that leads elsewhere, which is not followed: there is nothing else to be
    /// told then. nil where everything is here.
    private func surveyElsewhere() async throws -> PlaceSurvey? {
        guard let link = try await Workers.blobs.run({ try outgoingLink() }) else { return nil }
        var survey = PlaceSurvey()
        survey.findings = [link]
        return survey
    }

    /// - Parameters:
    ///   - path: of the link, below the root.
    ///   - target: a real path; nil if it leads nowhere.
    ///   - affected: what cannot be pulled because of it.
    private func departure(_ path: String, to target: String?, _ affected: AffectedImages) -> Finding {
        Finding(
            .unreadable, path, "is a link that leads \(target.map { "out of \(root), to \($0)" } ?? "nowhere")",
            affected: affected,
            advice: "make it a directory: what is elsewhere can be mounted there, with 'mount --bind'")
    }

    private func outgoingLink() throws -> Finding? {
        guard let own = try realPath(root) else { return nil }
        for deepest in [StorePaths.standard.blobs, StorePaths.standard.repositories] {
            var path = ""
            for component in deepest.split(separator: "/") {
                path += path.isEmpty ? component : "/\(component)"
                guard try fileKind("\(root)/\(path)", followingLinks: false) == .link else { continue }
                let real = try realPath("\(root)/\(path)")
                if let real, ByteStreams.path(real, below: own) != nil { continue }
                return departure(path, to: real, [AffectedImage("everything in \(root)")])
            }
        }
        return nil
    }

    /// - Throws: `ImageError.notFound` where there is no store.
    func survey() async throws -> PlaceSurvey {
        if let elsewhere = try await surveyElsewhere() { return elsewhere }
        let repositories = try await repositories(nil)
        var survey = PlaceSurvey()
        var permissions = PermissionSurvey()
        var served: [String: ServedContent] = [:]
        var empty = 0
        for case .success(let links) in repositories {
            let tags = links.tags.values
            survey.roots += tags.compactMap(\.root) + links.revisions + links.signatures
            survey.findings += links.findings + tags.flatMap(\.findings)
            survey.aliased.formUnion(links.aliased)
            served[links.name] = links.served
            permissions.add(links.permissions)
            empty += links.emptyDirectories
        }
        survey.findings += repositories.compactMap {
            if case .failure(let failure) = $0 { failure.finding } else { nil }
        }
        let (blobs, leftovers) = try await Workers.blobs.run {
            (try BlobFiles(of: root), try StagingArea.leftovers(in: root))
        }
        permissions.add(blobs.permissions)
        empty += blobs.emptyDirectories
        survey.findings += blobs.departures.map {
            departure("\(StorePaths.standard.root)/\($0.name)", to: $0.target, [])
        }
        survey.findings += blobs.findings + leftovers + permissions.findings
        if empty > 0 {
            survey.findings.append(
                Finding(
                    .leftover, root,
                    empty == 1
                        ? "has 1 empty directory left from deletions"
                        : "has \(empty) empty directories left from deletions",
                    advice: empty == 1 ? "dray gc removes it" : "dray gc removes them"))
        }
        survey.blobs = blobs.sizes
        survey.served = served
        survey.isLive = true
        survey.reclaim = "dray gc reclaims it"
        return survey
    }

    /// Images of it, what is wrong with what leads to them, and nothing of what else there is.
    func survey(_ parts: [StorePart]) async throws -> PlaceSurvey {
        if let elsewhere = try await surveyElsewhere() { return elsewhere }
        var survey = PlaceSurvey()
        survey.isLive = true
        survey.served = [:]
        for (part, links) in zip(parts, try await repositories(parts.map(\.repository))) {
            switch links {
            case .failure(let failure): survey.findings.append(failure.finding)
            case .success(let links):
                let tags = links.tags.filter { part.has(tag: $0.key) }.values
                survey.roots += tags.compactMap(\.root)
                survey.roots += links.revisions.filter { part.has($0.descriptor.digest) }
                survey.findings += tags.flatMap(\.findings)
                survey.served?[links.name] = links.served
            }
        }
        return survey
    }

    /// A repository that cannot be looked at.
    private struct Unreadable: Error {
        var finding: Finding
    }

    /// In the order of their names; what cannot be looked at comes last.
    private func repositories(_ names: [String]?) async throws -> [Result<RepositoryLinks, Unreadable>] {
        let (folder, found, departures) = try await Workers.blobs.run {
            guard let tree = try DirectoryHandle.open(root)?.open(StorePaths.standard.root) else {
                throw try ForeignMembers.error(of: DirectoryTree(root))
            }
            guard let folder = try tree.open("repositories") else {
                return (DirectoryHandle?.none, [String](), [StoreWalk.Departure]())
            }
            if let names { return (folder, names, []) }
            let walk = try StoreWalk(below: folder)
            return (folder, walk.repositories.map(\.name), walk.departures)
        }
        guard let folder else { return [] }
        let elsewhere = departures.map {
            Result<RepositoryLinks, Unreadable>.failure(
                Unreadable(
                    finding: departure(
                        "\(StorePaths.standard.repositories)/\($0.name)", to: $0.target, [AffectedImage($0.name)])))
        }
        return try await elsewhere
            + inParallel(found) { name, _ in
                do {
                    return .success(try RepositoryLinks(name, in: folder))
                } catch let error as ImageError {
                    return .failure(
                        Unreadable(
                            finding: Finding(
                                .unreadable, name, "is a repository that cannot be read: \(error)",
                                affected: [AffectedImage(name)],
                                advice: "see to the disk, the permissions and the links")))
                }
            }
    }
}

/// The files below `blobs`, by their names.
private struct BlobFiles: Sendable {
    /// Bytes.
    var sizes: [Digest: Int64] = [:]
    var findings: [Finding] = []
    /// Directories that are links to elsewhere.
    var departures: [StoreWalk.Departure] = []
    var permissions = PermissionSurvey()
    var emptyDirectories = 0

    /// - Parameter root: the store's.
    init(of root: String) throws {
        let tree = try DirectoryHandle.open(root)?.open(StorePaths.standard.root)
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
            if try departs(entry, all, "blobs/sha256/\(entry.name)") { continue }
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

    private mutating func departs(
        _ entry: DirectoryHandle.Entry, _ folder: DirectoryHandle, _ path: String
    ) throws -> Bool {
        guard entry.kind == .link, let departure = try folder.departure(entry.name) else { return false }
        departures.append(StoreWalk.Departure(name: path, target: departure.target))
        return true
    }

    private mutating func read(_ folder: DirectoryHandle, _ path: String, prefix: String) throws {
        for entry in try folder.entries() {
            let place = "\(path)/\(entry.name)"
            if try departs(entry, folder, place) { continue }
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
                if status.isDirectory { stranger("\(place)/data") }
                continue
            }
            sizes[digest] = status.size
            permissions.add("\(StorePaths.standard.root)/\(place)/data", status)
        }
    }
}

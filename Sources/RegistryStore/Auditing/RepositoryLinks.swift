import ByteStreams
import FileTrees
import ImageModel
import ImageTransfer
import ImageVerification

/// What one repository's directory says: its tags, what it may serve, and what has no business there.
///
/// Tags are read before revisions and those before layers, the other way round than a registry writes them.
/// Used by one thread.
struct RepositoryLinks: Sendable {
    /// What a tag says.
    struct Tag: Sendable {
        /// nil where that is nothing.
        var root: PlaceSurvey.Root?
        /// What is wrong with its links.
        var findings: [Finding] = []
    }

    let name: String
    /// By their names.
    private(set) var tags: [String: Tag] = [:]
    /// What goes by digest, whether a tag means it or not.
    private(set) var revisions: [PlaceSurvey.Root] = []
    private(set) var signatures: [PlaceSurvey.Root] = []
    private(set) var served = ServedContent()
    private(set) var findings: [Finding] = []
    /// SHA-256 of what goes by another algorithm.
    private(set) var aliased: Set<Digest> = []
    private(set) var permissions = PermissionSurvey()
    /// Directories without the link that they are for.
    private(set) var emptyDirectories = 0

    /// - Parameter repositories: the directory of all of them.
    /// - Throws: `ImageError.io` where the disk or the permissions do not let it look.
    init(_ name: String, in repositories: DirectoryHandle) throws {
        self.name = name
        guard let directory = try repositories.open(name) else { return }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 16)
        defer { buffer.deallocate() }
        for entry in try directory.entries() {
            let isOwn = ["_manifests", "_layers", "_uploads"].contains(entry.name)
            if isOwn ? entry.kind == .file : entry.name.hasPrefix("_") || entry.kind == .file { stranger(entry.name) }
        }
        if let tags = try directory.open("_manifests/tags") {
            try readTags(tags, buffer)
        } else if try directory.open("_manifests/revisions")?.entries().isEmpty == false {
            findings.append(
                Finding(
                    .peculiarity, name,
                    "has manifests and no directory for tags: docker-registry's "
                        + "garbage-collect --delete-untagged gives up there", advice: "make _manifests/tags there"))
        }
        if let revisions = try directory.open("_manifests/revisions") {
            try forEachLink(revisions, "_manifests/revisions", buffer) { $0.revision($1, $2, $3) }
        }
        if let layers = try directory.open("_layers") {
            try forEachLink(layers, "_layers", buffer) { links, digest, link, _ in links.layer(digest, link) }
        }
        if let uploads = try directory.open("_uploads") { try readUploads(uploads, buffer) }
    }

    private func path(_ relative: String) -> String { "\(StorePaths.standard.repositories)/\(name)/\(relative)" }

    private mutating func stranger(_ relative: String) {
        let isLeftover = relative.hasSuffix(".tmp")
        findings.append(
            Finding(
                isLeftover ? .leftover : .foreign, path(relative),
                isLeftover ? "was left by a registry that was ended" : "is nothing that a registry writes",
                advice: "remove it"))
    }

    // MARK: Links

    private mutating func link(
        _ folder: DirectoryHandle, _ relative: String, at shown: String, _ buffer: UnsafeMutableRawBufferPointer
    ) throws -> LinkFile? {
        guard let status = try folder.status(relative) else { return nil }
        guard status.isFile else { return .broken("is no file", meant: nil) }
        permissions.add(path(shown), status)
        return try folder.read(relative, into: buffer) { LinkFile($0) }
    }

    /// Calls `body` with every link below directories of algorithms.
    private mutating func forEachLink(
        _ handle: DirectoryHandle, _ shown: String, _ buffer: UnsafeMutableRawBufferPointer,
        _ body: (inout Self, Digest, LinkFile?, String) -> Void
    ) throws {
        for algorithm in try handle.entries() {
            guard let known = Digest.Algorithm(rawValue: algorithm.name), let folder = try handle.open(algorithm.name)
            else {
                stranger("\(shown)/\(algorithm.name)")
                continue
            }
            for entry in try folder.entries().sorted(by: { $0.name < $1.name }) {
                let place = "\(shown)/\(algorithm.name)/\(entry.name)"
                guard let digest = Digest(known, hex: entry.name), let own = try folder.open(entry.name) else {
                    stranger(place)
                    continue
                }
                for other in try own.entries()
                where other.name != "link" && !(other.name == "signatures" && other.kind == .directory) {
                    stranger("\(place)/\(other.name)")
                }
                let link = try link(own, "link", at: "\(place)/link", buffer)
                if link == nil { emptyDirectories += 1 } else { body(&self, digest, link, "\(place)/link") }
                if shown == "_manifests/revisions" { try readSignatures(own) }
            }
        }
    }

    private mutating func revision(_ digest: Digest, _ link: LinkFile?, _ place: String) {
        let descriptor = Descriptor(untyped: digest)
        revisions.append(PlaceSurvey.Root("\(name)@\(digest)", descriptor, repository: name))
        if let fault = fault(of: link, for: digest) {
            served.manifestFaults[digest] = fault
        } else {
            served.manifests.insert(digest)
        }
    }

    private mutating func layer(_ digest: Digest, _ link: LinkFile?) {
        if let fault = fault(of: link, for: digest) {
            served.blobFaults[digest] = fault
        } else {
            served.blobs.insert(digest)
        }
    }

    private mutating func fault(of link: LinkFile?, for digest: Digest) -> String? {
        switch link {
        case nil: return "is not there"
        case .broken(let what, _): return what
        case .digest(let content):
            guard StorePaths.mayLink(digest, to: content) else { return "says \(content)" }
            if digest.algorithm != .sha256 { aliased.insert(content) }
            return nil
        }
    }

    /// Registries before 2.5 kept the signatures of a schema1 manifest as blobs.
    private mutating func readSignatures(_ revision: DirectoryHandle) throws {
        guard let folder = try revision.open("signatures/sha256") else { return }
        for entry in try folder.entries() {
            guard let digest = Digest(.sha256, hex: entry.name) else { continue }
            served.blobs.insert(digest)
            signatures.append(
                PlaceSurvey.Root(
                    "\(name) (a signature)", Descriptor(untyped: digest),
                    repository: name, isBlob: true))
        }
    }

    // MARK: Tags

    private mutating func readTags(_ tags: DirectoryHandle, _ buffer: UnsafeMutableRawBufferPointer) throws {
        for entry in try tags.entries().sorted(by: { $0.name < $1.name }) {
            let tag = entry.name
            guard ImageName.isTag(tag), let folder = try tags.open(tag) else {
                stranger("_manifests/tags/\(tag)")
                continue
            }
            for other in try folder.entries() where other.name != "current" && other.name != "index" {
                stranger("_manifests/tags/\(tag)/\(other.name)")
            }
            for other in try folder.open("current")?.entries() ?? [] where other.name != "link" {
                stranger("_manifests/tags/\(tag)/current/\(other.name)")
            }
            // The history first: a registry writes it first.
            var history: Set<Digest> = []
            if let index = try folder.open("index") {
                try forEachLink(index, "_manifests/tags/\(tag)/index", buffer) { links, digest, link, place in
                    history.insert(digest)
                    links.past(digest, link, place, of: tag)
                }
            }
            try current(tag, link(folder, "current/link", at: "_manifests/tags/\(tag)/current/link", buffer), history)
        }
    }

    private mutating func past(_ digest: Digest, _ link: LinkFile?, _ place: String, of tag: String) {
        let fault: String
        switch link {
        case nil: return
        case .broken(let what, _): fault = what
        case .digest(let content):
            guard content != digest else { return }
            fault = "says \(content)"
        }
        tags[tag, default: Tag()].findings.append(
            Finding(
                .linkDamaged, path(place), "tells what \(name):\(tag) once meant, and \(fault)",
                advice: "--repair-from with any source writes it anew",
                remedy: .file(path(place), implied: Array(digest.description.utf8), target: nil)))
    }

    private mutating func current(_ tag: String, _ link: LinkFile?, _ history: Set<Digest>) throws {
        let full = ImageName(repository: name, tag: tag)
        let place = path("_manifests/tags/\(tag)/current/link")
        func add(_ finding: Finding) { tags[tag, default: Tag()].findings.append(finding) }
        func damaged(_ problem: String, meant: Digest? = nil) {
            add(
                Finding(
                    .tagDamaged, "\(full)", problem, affected: [AffectedImage("\(full)")],
                    advice: "--repair-from a place that has the tag sets it, or tag it anew: "
                        + "dray tag store:ROOT:\(name)@DIGEST \(tag)",
                    remedy: .tag(full, meant: meant)))
        }
        switch link {
        case nil: damaged("is a tag that means nothing: \(place) is not there")
        case .broken(let what, let meant):
            // White space around a digest leaves no doubt.
            damaged("is a tag that means nothing: \(place) \(what)", meant: meant)
        case .digest(let digest):
            let descriptor = Descriptor(untyped: digest)
            tags[tag, default: Tag()].root = PlaceSurvey.Root("\(full)", descriptor, repository: name)
            guard !history.contains(digest) else { return }
            guard history.isEmpty else {
                return damaged("means \(digest), which it never meant by its history: one of the two is wrong")
            }
            let entry = StorePaths.standard.tagIndexLink(digest, tag, name)
            add(
                Finding(
                    .linkMissing, "\(full)", "lacks the entry of its history for what it means, \(entry)",
                    advice: "--repair-from with any source writes it anew",
                    remedy: .file(entry, implied: Array(digest.description.utf8), target: digest)))
        }
    }

    // MARK: Uploads

    private mutating func readUploads(_ uploads: DirectoryHandle, _ buffer: UnsafeMutableRawBufferPointer) throws {
        var count = 0
        var bytes: Int64 = 0
        var oldest: String?
        for entry in try uploads.entries() where entry.kind == .directory {
            count += 1
            bytes = bytes.addingSaturated(try uploads.status("\(entry.name)/data")?.size ?? 0)
            let start = try uploads.read("\(entry.name)/startedat", into: buffer) {
                String(decoding: $0.prefix(20), as: UTF8.self)
            }
            if let start, oldest.map({ start < $0 }) ?? true { oldest = start }
        }
        guard count > 0 else { return }
        findings.append(
            Finding(
                .upload, name,
                "has \(count) unfinished upload\(count == 1 ? "" : "s") of \(bytes) bytes"
                    + (oldest.map { ", the oldest since \($0)" } ?? ""),
                advice: "a registry that serves it purges those that nobody goes on with"))
    }
}

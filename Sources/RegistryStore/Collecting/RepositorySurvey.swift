import ByteStreams
import Glibc
import ImageModel

/// Reads one repository and tells what it keeps. Changes nothing. Used by one thread.
struct RepositorySurvey<Directory: SurveyedDirectory> {
    private let directory: Directory
    private let shelf: ManifestShelf
    private let deletesUntagged: Bool
    private let ages: CollectionAges
    private let buffer: UnsafeMutableRawBufferPointer

    private var marks: RepositoryMarks
    private var revisions: [RepositoryMarks.Revision] = []
    /// Manifests that may be missing: another digest stands in their link.
    private var optional: Set<PackedDigest> = []
    /// Manifests that stay whether they are tagged or not.
    private var unsure: Set<PackedDigest> = []
    private var tagged: [Digest] = []
    private var dangling: [(tag: String, digest: Digest)] = []

    /// - Parameters:
    ///   - directory: nil if there is none.
    ///   - isElsewhere: whether it is reached over a symbolic link.
    ///   - buffer: a byte larger than the largest manifest.
    static func survey(
        _ name: String, _ directory: @autoclosure () throws -> Directory?, isElsewhere: Bool = false,
        hasUploads: Bool = false, shelf: ManifestShelf, deletesUntagged: Bool, ages: CollectionAges,
        buffer: UnsafeMutableRawBufferPointer
    ) -> RepositoryMarks {
        var marks = RepositoryMarks(name: name, isElsewhere: isElsewhere)
        do {
            guard let directory = try directory() else { return marks }
            var survey = RepositorySurvey(
                directory: directory, shelf: shelf, deletesUntagged: deletesUntagged, ages: ages, buffer: buffer,
                marks: marks)
            try survey.readRevisions()
            try survey.readTags()
            try survey.mark()
            try survey.readLayers()
            if hasUploads { try survey.countUploads() }
            return survey.marks
        } catch {
            marks.problems.append(
                CollectionRefused.Problem("\(name) cannot be read: \(error)", cause: error))
            return marks
        }
    }

    private init(
        directory: Directory, shelf: ManifestShelf, deletesUntagged: Bool, ages: CollectionAges,
        buffer: UnsafeMutableRawBufferPointer, marks: RepositoryMarks
    ) {
        self.directory = directory
        self.shelf = shelf
        self.deletesUntagged = deletesUntagged
        self.ages = ages
        self.buffer = buffer
        self.marks = marks
    }

    private mutating func note(_ text: String) { marks.notes.append("\(marks.name)/\(text)") }

    // MARK: Links

    private func link(_ folder: Directory, _ path: String) throws -> LinkFile? { try folder.link(path, buffer) }

    private func isYoung(_ folder: Directory, _ path: String) throws -> Bool {
        try folder.changed(path).map { $0 >= ages.cutoff } ?? false
    }

    /// When a link was touched that holds what it leads to; nil if it may go.
    private func holdingSince(_ folder: Directory, _ path: String, to target: PackedDigest) throws -> Int64? {
        guard let changed = try folder.changed(path) else { return nil }
        return changed >= ages.cutoff(link: target, in: marks.name) ? changed : nil
    }

    /// The directories below one, algorithms or digests. What else is there is nobody's, and stays.
    private mutating func folders(_ handle: Directory, _ path: String) throws -> [String] {
        var names: [String] = []
        for entry in try handle.entries() {
            if entry.kind == .directory || entry.kind == .link {
                names.append(entry.name)
            } else {
                note("\(path)/\(entry.name) is nothing that a registry writes: it stays")
            }
        }
        return names.sorted()
    }

    private mutating func addEmptyDirectory(_ path: String) throws {
        if try !isYoung(directory, path) { marks.emptyDirectories.append(path) }
    }

    // MARK: Manifests

    private mutating func readRevisions() throws {
        let path = "_manifests/revisions"
        guard let all = try directory.openUnlessAbsent(path) else { return }
        for algorithm in try folders(all, path) {
            guard let folder = try all.openUnlessAbsent(algorithm) else { continue }
            for hex in try folders(folder, "\(path)/\(algorithm)") {
                try readRevision(
                    Digest("\(algorithm):\(hex)"), "\(path)/\(algorithm)/\(hex)", try link(folder, "\(hex)/link"))
            }
        }
    }

    private mutating func readRevision(_ digest: Digest?, _ path: String, _ link: LinkFile?) throws {
        let own = digest.flatMap { PackedDigest($0) }
        var fault = ""
        switch link {
        case nil:
            if let own { marks.mentions.insert(own) }
            try addEmptyDirectory(path)
            return
        case .digest(let content):
            if let target = PackedDigest(content) {
                revisions.append(RepositoryMarks.Revision(digest: digest, path: path, target: target))
                if digest == nil { unsure.insert(target) }
                if let own, own != target {
                    // One of the two is a mistake, and nobody can say which.
                    note("\(path)/link says \(content): both are kept")
                    optional.insert(own)
                    unsure.formUnion([own, target])
                    revisions.append(RepositoryMarks.Revision(digest: nil, path: path, target: own))
                }
                return
            }
            fault = "says \(content), though everything is filed under SHA-256"
        case .broken(let what, _): fault = what
        }
        if let own {
            note("\(path)/link \(fault): what its path says is kept")
            revisions.append(RepositoryMarks.Revision(digest: digest, path: path, target: own))
        } else {
            marks.problems.append(
                CollectionRefused.Problem(
                    "\(marks.name)/\(path)/link \(fault), so it cannot be told which manifest it means: "
                        + "write the manifest's sha256 digest into it, or remove it"))
        }
    }

    // MARK: Tags

    private mutating func readTags() throws {
        let path = "_manifests/tags"
        guard let tags = try directory.openUnlessAbsent(path) else { return }
        for tag in try folders(tags, path) {
            switch try link(tags, "\(tag)/current/link") {
            case .digest(let digest):
                tagged.append(digest)
                dangling.append((tag, digest))
                try readHistory(tag, tags, current: digest)
            case nil: try readHistory(tag, tags, current: nil)
            case .broken(let what, _):
                note("\(path)/\(tag)/current/link \(what): all that the tag ever meant is kept")
                for (digest, _) in try history(tag, tags) { tagged.append(digest) }
            }
        }
    }

    private mutating func readHistory(_ tag: String, _ tags: Directory, current: Digest?) throws {
        if let current, current.algorithm == .sha256 {
            // Most tags never moved, and their history need not be listed to see it.
            if try tags.hasOneEntry("\(tag)/index/sha256") { return }
        }
        for (digest, path) in try history(tag, tags) where digest != current {
            guard let changed = try tags.changed("\(path)/link") else {
                try addEmptyDirectory("_manifests/tags/\(path)")
                continue
            }
            if changed < ages.cutoff {
                marks.history.append(
                    RepositoryMarks.HistoryEntry(tag: tag, digest: digest, path: "_manifests/tags/\(path)"))
            }
        }
    }

    private mutating func history(_ tag: String, _ tags: Directory) throws -> [(Digest, String)] {
        guard let index = try tags.openUnlessAbsent("\(tag)/index") else { return [] }
        var found: [(Digest, String)] = []
        for algorithm in try folders(index, "_manifests/tags/\(tag)/index") {
            guard let folder = try index.openUnlessAbsent(algorithm) else { continue }
            for hex in try folders(folder, "_manifests/tags/\(tag)/index/\(algorithm)") {
                guard let digest = Digest("\(algorithm):\(hex)") else { continue }
                found.append((digest, "\(tag)/index/\(algorithm)/\(hex)"))
            }
        }
        return found
    }

    // MARK: Marking

    private mutating func mark() throws {
        var marker = ReferenceMarker(marks.name, revisions, optional: optional, shelf: shelf, buffer: buffer)
        for (tag, digest) in dangling where marker.target(of: digest).map({ marker.isServed($0) }) != true {
            note("_manifests/tags/\(tag) means \(digest), which the repository does not serve")
        }
        marker.keep(tagged.compactMap { marker.target(of: $0) })
        if deletesUntagged {
            marker.keep(unsure)
            marks.marks = marker.marks
            marks.manifestsKept = count(marker.kept)
            try holdYoung(&marker)
        } else {
            marker.keep(unsure)
            let tagged = count(marker.kept)
            let untagged = marker.keep(revisions.map(\.target))
            marks.marks = marker.marks
            marks.manifestsKept = count(marker.kept)
            if !marks.isElsewhere { marks.untagged = (marks.manifestsKept - tagged, Set(untagged)) }
        }
        let doomed = revisions.filter { !marker.kept.contains($0.target) }
        marks.revisions = marker.ordered(doomed)
        marks.mentions.formUnion(doomed.map(\.target))
        marks.longMarks = marker.longMarks
        marks.problems += marker.problems
        for revision in revisions where marker.kept.contains(revision.target) && marker.isSchema1(revision.target) {
            try markSignatures(of: revision)
        }
    }

    private func count(_ kept: Set<PackedDigest>) -> Int {
        revisions.count { $0.digest != nil && kept.contains($0.target) }
    }

    /// Keeps the untagged manifests that were touched lately, and what they need, until the grace time is over.
    private mutating func holdYoung(_ marker: inout ReferenceMarker) throws {
        var young: [(time: Int64, target: PackedDigest)] = []
        for revision in revisions where !marker.kept.contains(revision.target) {
            if let time = try holdingSince(directory, "\(revision.path)/link", to: revision.target) {
                young.append((time, revision.target))
            }
        }
        // The youngest first: what several of them need waits for that one.
        for (time, target) in young.sorted(by: { ($0.time, $0.target) > ($1.time, $1.target) }) {
            for digest in marker.keep([target]) { marks.hold(digest, since: time) }
        }
        marks.waitingManifests = count(marker.kept) - marks.manifestsKept
    }

    /// Registries before 2.5 kept the signatures of a schema1 manifest as blobs beside it.
    private mutating func markSignatures(of revision: RepositoryMarks.Revision) throws {
        guard let signatures = try directory.openUnlessAbsent("\(revision.path)/signatures") else { return }
        for algorithm in try folders(signatures, "\(revision.path)/signatures") {
            guard let folder = try signatures.openUnlessAbsent(algorithm) else { continue }
            for hex in try folders(folder, "\(revision.path)/signatures/\(algorithm)") {
                if let digest = PackedDigest(hex: hex) { marks.marks.insert(digest) }
                if case .digest(let content) = try link(folder, "\(hex)/link"), let target = PackedDigest(content) {
                    marks.marks.insert(target)
                }
            }
        }
    }

    // MARK: Layers

    private mutating func readLayers() throws {
        guard let layers = try directory.openUnlessAbsent("_layers") else { return }
        let algorithms = try folders(layers, "_layers")
        var missing = marks.longMarks
        for algorithm in algorithms where algorithm != "sha256" {
            guard let folder = try layers.openUnlessAbsent(algorithm) else { continue }
            for hex in try folders(folder, "_layers/\(algorithm)") {
                try readLongLayer(Digest("\(algorithm):\(hex)"), "\(algorithm)/\(hex)", layers, &missing)
            }
        }
        guard algorithms.contains("sha256"), let folder = try layers.openUnlessAbsent("sha256") else { return }
        for hex in try folders(folder, "_layers/sha256") {
            guard let key = PackedDigest(hex: hex), !marks.marks.contains(key) else { continue }
            guard missing.isEmpty else {
                marks.marks.insert(key)
                continue
            }
            let path = "_layers/sha256/\(hex)"
            guard let changed = try folder.changed("\(hex)/link") else {
                marks.mentions.insert(key)
                try addEmptyDirectory(path)
                continue
            }
            if changed >= ages.cutoff(link: key, in: marks.name) {
                marks.hold(key, since: changed)
            } else if marks.held[key] == nil {
                marks.mentions.insert(key)
                marks.layerLinks.append(
                    RepositoryMarks.LayerLink(digest: key.digest, target: key, path: path))
            }
        }
        for digest in missing.sorted() {
            // Its bytes are filed under SHA-256, and only a link could tell where.
            note("_layers has no sound link to \(digest), which a manifest needs: every blob that is linked stays")
        }
    }

    /// A blob that goes by another algorithm: its link says where the bytes are.
    private mutating func readLongLayer(
        _ digest: Digest?, _ path: String, _ layers: Directory, _ missing: inout Set<Digest>
    ) throws {
        let isNeeded = digest.map { marks.longMarks.contains($0) } ?? true
        switch try link(layers, "\(path)/link") {
        case nil: if !isNeeded { try addEmptyDirectory("_layers/\(path)") }
        case .digest(let content):
            guard let target = PackedDigest(content) else {
                note("_layers/\(path)/link says \(content), and a store files everything under SHA-256: it stays")
                return
            }
            if isNeeded {
                marks.marks.insert(target)
                if let digest { missing.remove(digest) }
            } else if let time = try holdingSince(layers, "\(path)/link", to: target) {
                marks.hold(target, since: time)
            } else if let digest, marks.held[target] == nil {
                marks.mentions.insert(target)
                marks.layerLinks.append(
                    RepositoryMarks.LayerLink(digest: digest, target: target, path: "_layers/\(path)"))
            }
        case .broken(let what, _):
            note("_layers/\(path)/link \(what)")
            if !isNeeded, let digest, try !isYoung(layers, "\(path)/link") {
                marks.layerLinks.append(
                    RepositoryMarks.LayerLink(digest: digest, target: nil, path: "_layers/\(path)"))
            }
        }
    }

    // MARK: Uploads

    /// Only Go registries keep the state of a hash beside an upload.
    private mutating func countUploads() throws {
        guard let uploads = try directory.openUnlessAbsent("_uploads") else { return }
        for entry in try uploads.entries() where try isYoung(uploads, "\(entry.name)/hashstates") { marks.uploads += 1 }
    }
}

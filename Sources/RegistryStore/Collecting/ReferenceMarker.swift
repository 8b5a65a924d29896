import ImageModel
import ImageVerification

/// Follows references through one repository, from what is wanted to all that it needs and all that is about it.
///
/// Down: an index keeps its manifests, a manifest its config and layers. Up: what is kept keeps the manifests
/// that have it as their subject (signatures, SBOMs), tagged or not.
struct ReferenceMarker {
    private let shelf: ManifestShelf
    private let buffer: UnsafeMutableRawBufferPointer
    private let repository: String
    /// Manifests that the repository serves.
    private let targets: Set<PackedDigest>
    /// Where those are that go by another algorithm than SHA-256.
    private let names: [Digest: PackedDigest]
    private var referrers: [PackedDigest: [PackedDigest]] = [:]
    private var findings: [PackedDigest: ManifestShelf.Finding] = [:]
    private(set) var kept: Set<PackedDigest> = []
    private(set) var marks: Set<PackedDigest> = []
    private(set) var longMarks: Set<Digest> = []
    private(set) var problems: [CollectionRefused.Problem] = []

    /// Reads every manifest of the repository: what cannot be read might refer to anything.
    ///
    /// - Parameter optional: manifests that may be missing: their links say another digest than their paths.
    init(
        _ repository: String, _ revisions: [RepositoryMarks.Revision], optional: Set<PackedDigest>,
        shelf: ManifestShelf, buffer: UnsafeMutableRawBufferPointer
    ) {
        self.repository = repository
        self.shelf = shelf
        self.buffer = buffer
        var names: [Digest: PackedDigest] = [:]
        for revision in revisions {
            if let digest = revision.digest, digest.algorithm != .sha256 { names[digest] = revision.target }
        }
        self.names = names
        targets = Set(revisions.map(\.target))
        for target in targets {
            let finding = shelf.references(of: target, buffer)
            findings[target] = finding
            switch finding {
            case .references(let references):
                if let subject = references.subject.flatMap({ PackedDigest($0) ?? names[$0] }) {
                    referrers[subject, default: []].append(target)
                }
            case .missing:
                guard !optional.contains(target) else { continue }
                problems.append(
                    problem(target, ImageError.invalidDocument("its bytes are gone"), links(to: target, revisions)))
            case .unreadable(let cause): problems.append(problem(target, cause, links(to: target, revisions)))
            }
        }
    }

    private func links(to target: PackedDigest, _ revisions: [RepositoryMarks.Revision]) -> String {
        revisions.filter { $0.target == target }.map { "repositories/\(repository)/\($0.path)/link" }.sorted()
            .joined(separator: " and ")
    }

    private func problem(_ target: PackedDigest, _ cause: any Error, _ links: String) -> CollectionRefused.Problem {
        let hex = target.hex
        return CollectionRefused.Problem(
            "\(repository) has the manifest \(target.digest), and it cannot be told what that needs: \(cause). "
                + "Put blobs/sha256/\(hex.prefix(2))/\(hex)/data right, or give the manifest up by removing \(links)",
            cause: cause)
    }

    func isServed(_ target: PackedDigest) -> Bool { targets.contains(target) }

    func isSchema1(_ target: PackedDigest) -> Bool {
        if case .references(let references) = findings[target] { references.kind == .schema1 } else { false }
    }

    /// Where the manifest of a digest is, whatever its algorithm.
    func target(of digest: Digest) -> PackedDigest? { PackedDigest(digest) ?? names[digest] }

    /// - Returns: the digests that are marked by this call.
    @discardableResult
    mutating func keep(_ roots: some Sequence<PackedDigest>) -> [PackedDigest] {
        var queue = Array(roots)
        var new: [PackedDigest] = []
        while let target = queue.popLast() {
            guard kept.insert(target).inserted else { continue }
            mark([target], &new)
            queue += referrers[target] ?? []
            switch findings[target] ?? shelf.references(of: target, buffer) {
            case .references(let references):
                follow(references, &queue, &new)
                problems += contradictions(of: target, references)
            // Known of a served one; an index may list what was never there.
            case .missing: break
            case .unreadable(let cause):
                if !targets.contains(target) {
                    problems.append(problem(target, cause, "the tag or the index that names it"))
                }
            }
        }
        return new
    }

    private mutating func mark(_ digests: [PackedDigest], _ new: inout [PackedDigest]) {
        for digest in digests where marks.insert(digest).inserted { new.append(digest) }
    }

    /// Children that are another kind of manifest than their index says, so that readers disagree on what they need.
    private func contradictions(
        of index: PackedDigest, _ references: ManifestReferences
    ) -> [CollectionRefused.Problem] {
        zip(references.children, references.childKinds).compactMap { child, claimed in
            guard case .references(let found) = findings[child] ?? shelf.references(of: child, buffer),
                found.kind != claimed
            else { return nil }
            return CollectionRefused.Problem(
                "\(repository): the index \(index.digest) lists \(child.digest) as \(claimed.title), but its content is "
                    + "\(found.kind.title); delete the index, or push it again with the right media types")
        }
    }

    private mutating func follow(
        _ references: ManifestReferences, _ queue: inout [PackedDigest], _ new: inout [PackedDigest]
    ) {
        mark(references.blobs, &new)
        mark(references.children, &new)
        longMarks.formUnion(references.longBlobs)
        queue += references.children
        queue += references.longChildren.compactMap { names[$0] }
        if references.kind == .index {
            // Whatever type the index gives it: what is served as a manifest is one.
            queue += references.blobs.filter { targets.contains($0) }
            queue += references.longBlobs.compactMap { names[$0] }
        }
    }

    /// Parents before children, so that an end in the middle leaves no index without its manifests.
    func ordered(_ revisions: [RepositoryMarks.Revision]) -> [RepositoryMarks.Revision] {
        var depth: [PackedDigest: Int] = [:]
        func visit(_ target: PackedDigest, _ level: Int) {
            guard level > depth[target, default: -1], level < 64 else { return }
            depth[target] = level
            guard case .references(let references) = findings[target] else { return }
            for child in references.children where targets.contains(child) { visit(child, level + 1) }
        }
        for revision in revisions { visit(revision.target, 0) }
        return revisions.sorted {
            (depth[$0.target] ?? 0, $0.path) < (depth[$1.target] ?? 0, $1.path)
        }
    }
}

import ImageModel
import ImageTransfer

/// Makes findings of what was read: what is wrong, whom it hits, what helps.
struct VerifyJudge {
    let survey: PlaceSurvey
    let graph: ContentGraph
    let states: [Digest: BlobState]
    let title: String
    /// The reference that is verified.
    let reference: String
    /// Why blobs are not there, where the place tells that.
    let absences: [Digest: BlobAbsence]

    /// - Parameter place: the reference that was verified.
    static func fetch(_ place: String) -> String {
        "dray verify --repair-from PLACE \(place), where PLACE has it"
    }
    /// An archive is not changed where it is.
    private var fetch: String {
        survey.isLive
            ? Self.fetch(reference) : "take a sound copy of \(title), or copy the image from where it is sound"
    }
    private static let rebuild = "its bytes are what was pushed, so no copy is better: build and push the image anew"
    static let readable = "see to the disk and the permissions, and verify again"

    func findings() -> [Finding] {
        var findings = survey.findings + graph.findings
        findings += graph.nodes.indices.compactMap { manifest($0) }
        findings += brokenManifests()
        for need in graph.needs.values where absences[need.descriptor.digest] == nil { findings += blob(need) }
        findings += incomplete()
        for (digest, need) in graph.absentees where graph.needs[digest] == nil && states[digest] != nil {
            findings += blob(need)
        }
        findings += unneeded()
        // Of a part of a place nobody knows what its links are for.
        if let served = survey.served, survey.blobs != nil { findings += links(served) }
        return findings
    }

    // MARK: Manifests

    /// What is wrong with a manifest in all repositories that have it, which is told once.
    private func brokenManifests() -> [Finding] {
        var nodes: [Digest: [Int]] = [:]
        for position in graph.nodes.indices where graph.nodes[position].fault != nil {
            nodes[graph.nodes[position].key.digest, default: []].append(position)
        }
        return nodes.map { digest, positions in
            let node = graph.nodes[positions[0]]
            let affected = graph.affected(by: positions)
            let remedy = Remedy.manifest(node.descriptor, repository: node.key.repository)
            func finding(_ kind: Finding.Kind, _ problem: String, advice: String) -> Finding {
                Finding(kind, "\(digest)", problem, affected: affected, advice: advice, remedy: remedy)
            }
            switch node.fault {
            case .damaged(let text):
                return finding(.manifestDamaged, "is a damaged manifest: \(text)", advice: fetch)
            case .unreadable(let text):
                return finding(.unreadable, "is a manifest that cannot be read: \(text)", advice: Self.readable)
            case .missing, nil:
                guard positions.contains(where: { !graph.nodes[$0].parents.isEmpty }) else {
                    return finding(.manifestMissing, "is a manifest that is not there", advice: fetch)
                }
                return finding(
                    .manifestMissing, "is a manifest that an index lists, and it is not there",
                    advice: "\(fetch); if that platform is not wanted, push an index without it")
            }
        }
    }

    /// Whether the repository may serve a manifest that is there.
    private func manifest(_ position: Int) -> Finding? {
        let node = graph.nodes[position]
        guard node.fault == nil, let repository = node.key.repository, let served = survey.served?[repository],
            !served.manifests.contains(node.key.digest)
        else { return nil }
        return link(
            to: node.key.digest, kind: "manifest", in: repository, fault: served.manifestFaults[node.key.digest],
            affected: graph.affected(by: [position]),
            remedy: .manifest(node.descriptor, repository: repository))
    }

    private func link(
        to digest: Digest, kind: String, in repository: String, fault: String?, affected: AffectedImages,
        remedy: Remedy
    ) -> Finding {
        let advice =
            survey.isLive ? "--repair-from with any source makes the link anew, since the bytes are here" : fetch
        guard let fault else {
            return Finding(
                .linkMissing, "\(digest)", "is a \(kind) that \(repository) needs and has no link to",
                affected: affected, advice: advice, remedy: remedy)
        }
        return Finding(
            .linkDamaged, "\(digest)", "is a \(kind) that \(repository) needs, and its link there \(fault)",
            affected: affected, advice: advice, remedy: remedy)
    }

    // MARK: Blobs

    private func blob(_ need: ContentGraph.Need) -> [Finding] {
        let digest = need.descriptor.digest
        let remedy = Remedy.blob(need.descriptor, repository: need.repositories.compactMap { $0 }.min())
        func finding(_ kind: Finding.Kind, _ problem: String, advice: String) -> Finding {
            Finding(
                kind, "\(digest)", problem, affected: graph.affected(by: need), advice: advice, remedy: remedy)
        }
        switch states[digest] {
        case .missing, nil:
            // Where everything is filed under SHA-256, only the link tells where a blob of another algorithm is.
            let unlinked = digest.algorithm == .sha256 ? [] : unlinked(need)
            if !unlinked.isEmpty { return unlinked }
            return [finding(.blobMissing, "is a blob that is not there", advice: fetch)]
        case .damaged(let text):
            return [finding(.blobDamaged, "is a damaged blob: \(text)", advice: fetch)]
        case .unreadable(let text):
            return [finding(.unreadable, "is a blob that cannot be read: \(text)", advice: Self.readable)]
        case .sound(let size, let tar):
            return sizes(need, size) + (tar.map { layer(need, $0) } ?? []) + unlinked(need)
        }
    }

    /// Blobs that the place is known to lack: those of a missing volume, or that a delta leaves out.
    private func incomplete() -> [Finding] {
        Dictionary(grouping: absences.keys) { absences[$0]?.reason ?? "" }.sorted { $0.key < $1.key }.compactMap {
            reason, digests in
            let needs = digests.sorted().compactMap { graph.needs[$0] }
            guard let first = needs.first, let absence = absences[first.descriptor.digest] else { return nil }
            let isLeftOut = absence.kind == .leftOut
            let digest = first.descriptor.digest
            let blobs = needs.count == 1 ? "1 blob (\(digest))" : "\(needs.count) blobs (the first is \(digest))"
            return Finding(
                isLeftOut ? .leftOut : .volumeMissing, title,
                "lacks \(blobs): \(reason)",
                affected: isLeftOut ? [] : graph.affected(by: needs.flatMap { $0.users.map(\.node) }),
                advice: isLeftOut
                    ? "'dray copy --base PLACE \(title) DESTINATION' takes what is missing from PLACE"
                    : absence.advice ?? fetch)
        }
    }

    private func sizes(_ need: ContentGraph.Need, _ size: Int64) -> [Finding] {
        let wrong = need.users.filter { $0.size >= 0 && $0.size != size }
        guard !wrong.isEmpty else { return [] }
        return Set(wrong.map { graph.nodes[$0.node].key.digest }).sorted().map { manifest in
            let users = wrong.filter { graph.nodes[$0.node].key.digest == manifest }
            return Finding(
                .manifestDamaged, "\(manifest)",
                "says that the blob \(need.descriptor.digest) has \(users[0].size) bytes, and it has \(size)",
                affected: graph.affected(by: users.map(\.node)), advice: Self.rebuild)
        }
    }

    private func layer(_ need: ContentGraph.Need, _ content: BlobState.LayerContent) -> [Finding] {
        let users = need.users.filter { $0.diffID != nil }
        guard !users.isEmpty else { return [] }
        func finding(_ problem: String, _ users: [ContentGraph.User]) -> Finding {
            Finding(
                .layerDamaged, "\(need.descriptor.digest)", problem,
                affected: graph.affected(by: users.map(\.node)), advice: Self.rebuild)
        }
        switch content {
        case .broken(let text): return [finding("is a layer that cannot be unpacked: \(text)", users)]
        case .tar(let diffIDs):
            var findings: [Finding] = []
            for found in diffIDs.sorted() {
                let wrong = users.filter { $0.diffID?.algorithm == found.algorithm && $0.diffID != found }
                guard let expected = wrong.first?.diffID else { continue }
                findings.append(finding("is a layer whose diffID is \(found), and the config says \(expected)", wrong))
            }
            let unknown = users.first { user in !diffIDs.contains { $0.algorithm == user.diffID?.algorithm } }
            if let expected = unknown?.diffID {
                findings.append(
                    Finding(
                        .peculiarity, "\(need.descriptor.digest)",
                        "is a layer that was not held against its diffID, \(expected), for it came before its config",
                        advice: "verify the archive as an unpacked file"))
            }
            return findings
        }
    }

    /// Repositories that need a blob that is there, and may not serve it.
    private func unlinked(_ need: ContentGraph.Need) -> [Finding] {
        guard let served = survey.served else { return [] }
        let digest = need.descriptor.digest
        return Set(need.users.compactMap { graph.nodes[$0.node].key.repository }).sorted().compactMap { repository in
            guard let own = served[repository], !own.blobs.contains(digest) else { return nil }
            let users = need.users.map(\.node).filter { graph.nodes[$0].key.repository == repository }
            return link(
                to: digest, kind: "blob", in: repository, fault: own.blobFaults[digest],
                affected: graph.affected(by: users),
                remedy: .manifest(graph.nodes[users[0]].descriptor, repository: repository))
        }
    }

    // MARK: What nothing needs

    private func unneeded() -> [Finding] {
        guard let blobs = survey.blobs else { return [] }
        let manifests = Set(graph.nodes.map(\.key.digest))
        let orphans = blobs.keys.filter {
            graph.needs[$0] == nil && graph.absentees[$0] == nil && !manifests.contains($0)
                && !survey.aliased.contains($0)
        }.sorted()
        return orphans.compactMap { digest in
            switch states[digest] {
            case .damaged(let text):
                Finding(
                    .blobDamaged, "\(digest)",
                    "is a damaged blob that no image needs, and whoever pushes it is told that it is there: \(text)",
                    advice: "\(survey.reclaim), or \(fetch)",
                    remedy: .blob(Descriptor(untyped: digest), repository: nil))
            case .unreadable(let text):
                Finding(
                    .unreadable, "\(digest)", "is a blob that no image needs, and cannot be read: \(text)",
                    advice: Self.readable)
            case .sound(let size, _):
                Finding(.orphan, "\(digest)", "is a blob of \(size) bytes that no image needs", advice: survey.reclaim)
            case .missing, nil: nil
            }
        }
    }

    /// Links that no image needs.
    private func links(_ served: [String: ServedContent]) -> [Finding] {
        var needed: [String: Set<Digest>] = [:]
        for need in graph.needs.values {
            for case let repository? in need.repositories {
                needed[repository, default: []].insert(need.descriptor.digest)
            }
        }
        let manifests = Set(graph.nodes.map(\.key))
        return served.sorted { $0.key < $1.key }.flatMap { repository, own in
            let faults = own.blobFaults.filter { needed[repository]?.contains($0.key) != true }
            var findings = faults.map { digest, fault in
                Finding(
                    .linkDamaged, "\(digest)",
                    "is linked in \(repository), where no image needs it, by a link that \(fault)",
                    advice: survey.reclaim)
            }
            let dangling = own.blobs.filter {
                needed[repository]?.contains($0) != true && isGone($0)
                    && !manifests.contains(ContentGraph.Key(repository: repository, digest: $0))
            }
            if !dangling.isEmpty {
                findings.append(
                    Finding(
                        .leftover, repository,
                        "links \(dangling.count) blobs that are gone and that no image needs, as a garbage collection leaves it",
                        advice: survey.reclaim))
            }
            return findings
        }
    }

    private func isGone(_ digest: Digest) -> Bool { digest.algorithm == .sha256 && survey.blobs?[digest] == nil }
}

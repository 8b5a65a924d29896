import ByteStreams
import ImageModel
import ImageTransfer

/// Everything that the images of a place need, who needs it, and what of it is no manifest that can be read.
///
/// Nothing stops it: what is missing or damaged is noted, and the rest is looked at all the same.
struct ContentGraph {
    /// A manifest as one repository has it.
    struct Node {
        var key: Key
        /// Names that lead to it.
        var names: [String] = []
        /// Indexes that list it, and for which platform.
        var parents: [(node: Int, platform: String?)] = []
        var descriptor: Descriptor
        /// Why it cannot be read; nil if it can.
        var fault: Fault?
    }

    enum Fault: Sendable {
        case missing
        case damaged(String)
        case unreadable(String)
    }

    struct Key: Hashable {
        var repository: String?
        var digest: Digest
    }

    /// A blob that something needs.
    struct Need {
        var descriptor: Descriptor
        var users: [User] = []
        /// Names that lead to it without a manifest between.
        var names: [String] = []
        var repositories: Set<String?> = []
    }

    struct User {
        var node: Int
        /// Bytes, as the manifest says; negative where it does not.
        var size: Int64
        /// What the config says that the layer holds.
        var diffID: Digest?
    }

    private(set) var nodes: [Node] = []
    private(set) var needs: [Digest: Need] = [:]
    /// Foreign layers that need not be there.
    private(set) var absentees: [Digest: Need] = [:]
    private(set) var findings: [Finding] = []
    private var positions: [Key: Int] = [:]
    /// nil before all was read.
    private(set) var known: KnownAffected?
    private let place: any VerifiedPlace
    private let survey: PlaceSurvey
    private let isDeep: Bool
    private let jobs: Int

    /// A reference that was not followed yet.
    private struct Visit {
        var descriptor: Descriptor
        var repository: String?
        var parent: (node: Int, platform: String?)?
        var name: String?
        var isBlob = false
        /// Indexes that are above it.
        var depth = 0
    }

    /// What came of reading something as a manifest.
    private enum Reading: Sendable {
        case manifest(Manifest, diffIDs: [Digest: Digest], configProblem: Fault?, referrers: [Descriptor])
        /// Its bytes are of something else.
        case blob
        case fault(Fault)
    }

    init(of survey: PlaceSurvey, in place: any VerifiedPlace, isDeep: Bool, jobs: Int) async throws {
        self.place = place
        self.survey = survey
        self.isDeep = isDeep
        self.jobs = jobs
        var visits = survey.roots.map {
            Visit(descriptor: $0.descriptor, repository: $0.repository, name: $0.name, isBlob: $0.isBlob)
        }
        while !visits.isEmpty {
            var next: [Visit] = []
            // Not all at a time: a level may be as large as the place.
            for start in stride(from: 0, to: visits.count, by: Self.batchSize) {
                try Task.checkCancellation()
                let batch = visits[start...].prefix(Self.batchSize)
                let readings = try await read(batch)
                for visit in batch { follow(visit, readings[readingKey(visit)], &next) }
            }
            visits = next
        }
        known = KnownAffected()
    }

    /// Manifests that are in memory at a time.
    private static let batchSize = 1000

    /// Manifests that were read and found right.
    var soundManifests: Set<Digest> { Set(nodes.lazy.filter { $0.fault == nil }.map(\.key.digest)) }

    // MARK: Reading

    private func readingKey(_ visit: Visit) -> Key {
        Key(repository: place.sharesContent ? nil : visit.repository, digest: visit.descriptor.digest)
    }

    private func nodeKey(_ visit: Visit) -> Key {
        Key(repository: visit.repository, digest: visit.descriptor.digest)
    }

    private func mayBeManifest(_ visit: Visit) -> Bool { !visit.isBlob && visit.descriptor.mayBeManifest }

    /// Reads what is not a node yet.
    private func read(_ visits: ArraySlice<Visit>) async throws -> [Key: Reading] {
        var wanted: [Key: Visit] = [:]
        for visit in visits where mayBeManifest(visit) && positions[nodeKey(visit)] == nil {
            // A type is worth more than none.
            if wanted[readingKey(visit)]?.descriptor.mediaType.isManifest != true { wanted[readingKey(visit)] = visit }
        }
        let order = Array(wanted)
        let found = try await order.mapConcurrently(limit: jobs) { [self] in try await read($0.value) }
        return Dictionary(uniqueKeysWithValues: zip(order.lazy.map(\.key), found))
    }

    private func read(_ visit: Visit) async throws -> Reading {
        let type = visit.descriptor.mediaType
        let manifest: Manifest
        do {
            // What its references say of it is compared where they are followed: they may disagree.
            manifest = try await place.storedManifest(
                Descriptor(untyped: visit.descriptor.digest), in: visit.repository)
        } catch let error as ImageError where error.code == .notFound {
            return type.isManifest || type.rawValue.isEmpty ? .fault(.missing) : .blob
        } catch let error as ImageError where error.code == .refused {
            // What went by in a stream may be sound.
            return .fault(.unreadable("\(error)"))
        } catch let error where BrokenImage(name: .none, error: error) != nil {
            // The blob's own check says what is wrong with other content.
            return type.isManifest || visit.name != nil && type.rawValue.isEmpty ? .fault(.damaged("\(error)")) : .blob
        } catch let error as ImageError where error.errno != nil {
            return .fault(.unreadable("\(error)"))
        }
        var diffIDs: [Digest: Digest] = [:]
        var problem: Fault?
        if isDeep, case .image(let content) = manifest.content {
            (diffIDs, problem) = try await self.diffIDs(of: content, in: visit.repository, title: "\(manifest.digest)")
        }
        let referrers =
            survey.hidesReferrers
            ? try await place.referrers(of: manifest.digest, in: visit.repository) : []
        return .manifest(manifest, diffIDs: diffIDs, configProblem: problem, referrers: referrers)
    }

    /// The diffIDs of an image's layers, by the layers' digests, or why there is nothing to hold the layers against, as
    /// findings say it.
    private func diffIDs(
        of content: ImageManifest, in repository: String?, title: String
    ) async throws -> ([Digest: Digest], Fault?) {
        do {
            guard try await place.config(of: content, in: repository) != nil else { return ([:], nil) }
        } catch let error as ImageError where error.code == .invalidDocument {
            return ([:], .damaged("has a config that says nothing of its layers: \(error)"))
        } catch let error as ImageError where [.notFound, .damaged, .limit].contains(error.code) {
            // That its bytes are not there, or others, is told where blobs are.
            return ([:], nil)
        } catch let error where !(error is CancellationError) {
            return ([:], .unreadable("has a config that cannot be read, so its layers were not looked into: \(error)"))
        }
        do {
            let diffIDs = try await ImageGraph.diffIDs(of: content, in: place, repository: repository, title: title)
            return (diffIDs, nil)
        } catch let misfit as ConfigMisfit {
            return ([:], .damaged("contradicts its config: \(misfit)"))
        }
    }

    // MARK: Following

    private mutating func follow(_ visit: Visit, _ reading: Reading?, _ next: inout [Visit]) {
        let key = nodeKey(visit)
        if let known = positions[key] { return note(visit, known) }
        guard let reading else { return need(visit) }
        if case .blob = reading { return need(visit) }
        let position = nodes.count
        positions[key] = position
        nodes.append(Node(key: key, descriptor: visit.descriptor))
        if case .fault(let fault) = reading { nodes[position].fault = fault }
        guard case .manifest(let manifest, let diffIDs, let problem, let referrers) = reading else {
            return note(visit, position)
        }
        nodes[position].descriptor = manifest.descriptor
        note(visit, position)
        func find(_ kind: Finding.Kind, _ problem: String, advice: String) {
            findings.append(
                Finding(kind, "\(key.digest)", problem, affected: affected(by: [position]), advice: advice))
        }
        guard visit.depth <= ImageGraph.depthLimit else {
            return find(
                .manifestDamaged, "lies in indexes in indexes, more than \(ImageGraph.depthLimit) deep",
                advice: "make and push an index that is flat")
        }
        switch problem {
        case .damaged(let text): find(.layerDamaged, text, advice: "build and push the image anew")
        case .unreadable(let text): find(.unreadable, text, advice: VerifyJudge.readable)
        case .missing, nil: break
        }
        let isIndex = if case .index = manifest.content { true } else { false }
        for child in manifest.children + (isIndex ? manifest.blobs : []) {
            next.append(
                Visit(
                    descriptor: child, repository: visit.repository, parent: (position, child.platform?.description),
                    depth: visit.depth + 1))
        }
        if !isIndex {
            for blob in manifest.blobs { need(blob, by: position, diffID: diffIDs[blob.digest]) }
        }
        for referrer in referrers {
            let name = "\(visit.repository.map { "\($0)@" } ?? "")\(referrer.digest)"
            next.append(Visit(descriptor: referrer, repository: visit.repository, name: name))
        }
    }

    /// Notes what refers to a node, and compares what it says of the manifest with what that is.
    private mutating func note(_ visit: Visit, _ position: Int) {
        if let name = visit.name { nodes[position].names.append(name) }
        if let parent = visit.parent { nodes[position].parents.append(parent) }
        guard nodes[position].fault == nil else { return }
        let digest = nodes[position].key.digest
        do {
            try nodes[position].descriptor.check(claim: visit.descriptor, name: "the manifest \(digest)")
        } catch {
            let parent = visit.parent.map { nodes[$0.node].key.digest }
            findings.append(
                Finding(
                    .manifestDamaged, "\(parent ?? digest)",
                    parent == nil ? "is listed wrongly: \(error)" : "lists a manifest wrongly: \(error)",
                    affected: affected(by: [position]),
                    advice: parent == nil ? "list it again, as 'dray tag' does" : "make and push that index again"))
        }
    }

    /// What turned out to be no manifest.
    private mutating func need(_ visit: Visit) {
        if let parent = visit.parent { return need(visit.descriptor, by: parent.node, diffID: nil) }
        let digest = visit.descriptor.digest
        needs[digest, default: Need(descriptor: visit.descriptor)].repositories.insert(visit.repository)
        if let name = visit.name { needs[digest]?.names.append(name) }
    }

    private mutating func need(_ blob: Descriptor, by node: Int, diffID: Digest?) {
        func add(to all: inout [Digest: Need]) {
            all[blob.digest, default: Need(descriptor: blob)].users.append(
                User(node: node, size: blob.size, diffID: diffID))
            all[blob.digest]?.repositories.insert(nodes[node].key.repository)
        }
        if blob.staysAway { add(to: &absentees) } else { add(to: &needs) }
    }
}

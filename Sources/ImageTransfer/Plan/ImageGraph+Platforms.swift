import ImageModel

/// What remains of an index when platforms are chosen.
extension ImageGraph {
    /// Platforms that there are, for a message.
    private struct PlatformNames {
        private static let mostShown = 16

        private var all: Set<Platform> = []
        private var shown: [String] = []

        mutating func add(_ platform: Platform) {
            guard all.insert(platform).inserted, shown.count < Self.mostShown else { return }
            shown.append(platform.description)
        }

        var text: String {
            guard !shown.isEmpty else { return "no platforms" }
            let more = all.count - shown.count
            return shown.joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
        }
    }

    static func purpose(of entry: Descriptor) -> String {
        if entry.isAttestation { return " as an attestation" }
        return entry.platform.map { " for \($0)" } ?? ""
    }

    /// The entries of an index that are chosen, with their attestations.
    ///
    /// - Throws: `ImageError.otherPlatform` if there are none.
    mutating func chosen(
        of index: ImageIndex, _ platforms: PlatformChoice, depth: Int
    ) async throws -> [Descriptor] {
        var kept: Set<Digest> = []
        switch platforms {
        case .all: return index.manifests
        case .only(let wanted):
            var found = PlatformNames()
            kept = try await matches(index.manifests, wanted, depth: depth, &found)
            guard !kept.isEmpty else {
                throw ImageError.otherPlatform(
                    "\(image.title) in \(source.title) has nothing for \(platforms.title); it has "
                        + found.text)
            }
        case .present:
            for entry in index.manifests where !entry.isAttestation {
                if let reason = try await lack(of: entry, depth: depth) {
                    leftOut.append(LeftOut(entry: entry, reason: reason))
                } else {
                    kept.insert(entry.digest)
                }
            }
            guard !kept.isEmpty || index.manifests.isEmpty else {
                throw ImageError.notFound("\(source.title) has no platform of \(image.title) whole")
            }
        }
        var entries: [Descriptor] = []
        for entry in index.manifests {
            if entry.isAttestation {
                guard let subject = entry.attestedDigest, kept.contains(subject) else { continue }
                if let reason = try await lack(of: entry, depth: depth) {
                    leftOut.append(LeftOut(entry: entry, reason: reason))
                    continue
                }
            } else if !kept.contains(entry.digest) {
                continue
            }
            entries.append(entry)
        }
        return entries
    }

    /// Entries for platforms, or of indexes with something for them.
    ///
    /// - Parameter found: is told the platforms that there are.
    private mutating func matches(
        _ entries: [Descriptor], _ wanted: [Platform], depth: Int, _ found: inout PlatformNames
    ) async throws -> Set<Digest> {
        try checkDepth(depth)
        var kept: Set<Digest> = []
        for entry in entries where !entry.isAttestation && entry.mayBeManifest {
            var platform = entry.platform
            let isRead = platform == nil || entry.mediaType.manifestKind == .index
            if isRead, let known = matched[entry.digest] {
                if known { kept.insert(entry.digest) }
                continue
            }
            if isRead {
                matched[entry.digest] = false
                let manifest: Manifest
                do {
                    manifest = try await manifests.manifest(entry, in: image.repository)
                } catch let error as ImageError where error.code == .notFound {
                    guard entry.mediaType.isManifest else { continue }
                    throw ImageError.damaged(
                        "\(error); an index of \(image.title) lists it" + Self.purpose(of: entry))
                } catch let error as ImageError where error.code == .invalidDocument && !entry.mediaType.isManifest {
                    continue
                }
                switch manifest.content {
                case .index(let inner):
                    let below = try await matches(inner.manifests, wanted, depth: depth + 1, &found)
                    matched[entry.digest] = !below.isEmpty
                    if !below.isEmpty { kept.insert(entry.digest) }
                    continue
                case .image(let content):
                    platform = try await manifests.platform(of: content, in: image.repository)
                case .schema1: break
                }
            }
            guard let platform else { continue }
            found.add(platform)
            guard wanted.contains(where: { $0.accepts(platform) }) else { continue }
            kept.insert(entry.digest)
            if isRead { matched[entry.digest] = true }
        }
        return kept
    }

    /// Why an entry of an index is not there as a whole; of an index, why nothing of it is. nil if it is.
    mutating func lack(of entry: Descriptor, depth: Int) async throws -> String? {
        try checkDepth(depth)
        if let known = lacks[entry.digest] { return known }
        let lack = try await findLack(of: entry, depth: depth)
        lacks.updateValue(lack, forKey: entry.digest)
        return lack
    }

    private mutating func findLack(of entry: Descriptor, depth: Int) async throws -> String? {
        let manifest: Manifest
        do {
            manifest = try await manifests.manifest(entry, in: image.repository)
        } catch let error as ImageError where error.code == .notFound {
            guard !entry.mediaType.isManifest else { return error.description }
            return try await source.findAbsence(of: entry, in: image.repository)?.reason
        } catch let error as ImageError where error.code == .invalidDocument && !entry.mediaType.isManifest {
            return nil
        }
        if case .index(let index) = manifest.content {
            var reason: String?
            for child in index.manifests where !child.isAttestation {
                guard let lack = try await lack(of: child, depth: depth + 1) else { return nil }
                reason = reason ?? lack
            }
            return reason
        }
        for blob in manifest.blobs where !blob.staysAway {
            // What a delta leaves out, the destination has.
            if let absence = try await source.lack(of: blob, in: image.repository), absence.repository == nil {
                return "blob \(blob.digest): \(absence.reason)"
            }
        }
        return nil
    }
}

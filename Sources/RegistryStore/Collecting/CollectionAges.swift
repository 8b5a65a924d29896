import ImageModel

/// The age at which a collection deletes untouched content: the grace time, or the time since a delete
/// released the content.
///
/// All times are nanoseconds since 1970.
struct CollectionAges: Sendable {
    let start: Int64
    let grace: Int64
    private var blobs: [PackedDigest: Int64] = [:]
    private var links: [String: [PackedDigest: Int64]] = [:]
    /// The releases of manifests, and of those that released indexes list.
    private(set) var manifests: Set<ReleaseList.Release> = []
    private var known: Set<PackedDigest> = []

    /// - Parameters:
    ///   - start: when the collection began, with the store held for sweeping.
    init(start: Int64, grace: Duration) {
        let (seconds, fraction) = max(.zero, grace).components
        self.start = start
        // At most two centuries: the clock of the files ends there.
        self.grace = min(seconds, 6_000_000_000) * 1_000_000_000 + fraction / 1_000_000_000
    }

    /// To be deleted, content that no delete released must be older than this.
    var cutoff: Int64 { start - grace }

    /// To be deleted, a blob's bytes must be older than this.
    func cutoff(blob: PackedDigest) -> Int64 { limited(blobs[blob]) }

    /// To be deleted, a repository's link to a manifest or blob must be older than this.
    ///
    /// - Parameter digest: of the bytes that it leads to.
    func cutoff(link digest: PackedDigest, in repository: String) -> Int64 { limited(links[repository]?[digest]) }

    /// Content that was touched since the start is in use, even if it was released.
    private func limited(_ release: Int64?) -> Int64 { max(cutoff, min(release ?? cutoff, start)) }

    /// When content that was touched at this time can go, if nobody touches it again.
    func end(ofWaitSince touched: Int64) -> Int64 { touched.addingReportingOverflow(grace).partialValue }

    /// Whether a blob is a manifest that was released.
    func isReleasedManifest(_ blob: PackedDigest) -> Bool { known.contains(blob) }

    /// Adds a release, and all that a manifest refers to.
    ///
    /// - Parameters:
    ///   - shelf: reads manifests.
    ///   - target: finds the bytes that a repository's link to a SHA-512 digest leads to.
    mutating func add(
        _ release: ReleaseList.Release, shelf: ManifestShelf, buffer: UnsafeMutableRawBufferPointer,
        target: (Digest, _ repository: String) -> PackedDigest?
    ) {
        guard release.time > cutoff else { return }
        var queue = [release.digest]
        var seen: Set<PackedDigest> = []
        while let digest = queue.popLast() {
            guard seen.insert(digest).inserted else { continue }
            add(digest, release)
            guard case .references(let references) = shelf.references(of: digest, buffer) else { continue }
            known.insert(digest)
            manifests.insert(
                ReleaseList.Release(time: release.time, repository: release.repository, digest: digest))
            for blob in references.blobs { add(blob, release) }
            for blob in references.longBlobs {
                if let target = target(blob, release.repository) { add(target, release) }
            }
            queue += references.children
            queue += references.longChildren.compactMap { target($0, release.repository) }
        }
    }

    private mutating func add(_ digest: PackedDigest, _ release: ReleaseList.Release) {
        blobs[digest] = max(blobs[digest] ?? .min, release.time)
        let link = links[release.repository]?[digest] ?? .min
        links[release.repository, default: [:]][digest] = max(link, release.time)
    }
}

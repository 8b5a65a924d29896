package import ImageModel

/// What `prune` has removed, or would.
package struct PruneReport: Sendable {
    package var digests: [Digest] = []
    package var bytes: Int64 = 0
    /// How many blobs stay.
    package var kept = 0
    /// What lies between the blobs and is none.
    package var notes: [String] = []
    package var isDryRun = false
}

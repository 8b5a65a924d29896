public import ImageModel

/// What `prune` has removed, or would.
public struct PruneReport: Sendable {
    public var digests: [Digest] = []
    public var bytes: Int64 = 0
    /// How many blobs stay.
    public var kept = 0
    /// What lies between the blobs and is none.
    public var notes: [String] = []
    public var isDryRun = false
}

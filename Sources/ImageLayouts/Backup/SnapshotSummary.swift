/// What a snapshot holds, counted.
public struct SnapshotSummary: Sendable {
    public var snapshot: Snapshot
    public var tags: Int
    /// Of all its blobs, each once.
    public var bytes: Int64
    /// Of those that no other snapshot has: what is freed when it goes.
    public var uniqueBytes: Int64
}

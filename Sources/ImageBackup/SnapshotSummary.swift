/// What a snapshot holds, counted.
public struct SnapshotSummary: Sendable {
    /// A repository that cannot be read.
    public struct Problem: Sendable {
        public var repository: String
        public var error: any Error
    }

    public var snapshot: Snapshot
    public var tags: Int
    /// Of all its blobs, each once.
    public var bytes: Int64
    /// Of those that no other snapshot has: what is freed when it goes.
    public var uniqueBytes: Int64
    /// Repositories that are not counted.
    public var problems: [Problem]
}

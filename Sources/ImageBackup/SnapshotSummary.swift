/// What a snapshot holds, counted.
package struct SnapshotSummary: Sendable {
    /// A repository that cannot be read.
    package struct Problem: Sendable {
        package var repository: String
        package var error: any Error
    }

    package var snapshot: Snapshot
    package var tags: Int
    /// Of all its blobs, each once.
    package var bytes: Int64
    /// Of those that no other snapshot has: what is freed when it goes.
    package var uniqueBytes: Int64
    /// Repositories that are not counted.
    package var problems: [Problem]
}

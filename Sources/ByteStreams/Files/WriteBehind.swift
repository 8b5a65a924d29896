import CLinux

/// Has the disk take in what is written to a file while more of it comes, so that the sync at its end is short.
package struct WriteBehind {
    /// Bytes: enough that the disk writes in long runs.
    private static let interval: Int64 = 8 << 20

    private var begun: Int64 = 0

    package init() {}

    /// - Parameter count: bytes that the file has; all up to there were written by now.
    package mutating func advance(to count: Int64, in descriptor: Int32) {
        guard count - begun >= Self.interval else { return }
        // A hint: where it does nothing, or fails, the sync does all, and tells.
        _ = sync_file_range(descriptor, begun, count - begun, dray_sync_file_range_write)
        begun = count
    }
}

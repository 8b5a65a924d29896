import CLinux
import Glibc

/// Goes along with a file that is written from front to back: the disk takes in what lies behind, so that the sync
/// at the end is short, and has room ready for what comes next, so that it is not sought page by page.
package struct WritePace {
    /// Bytes: enough that the disk writes in long runs, and little to keep from others when it is nearly full.
    private static let interval: Int64 = 8 << 20

    private var begun: Int64 = 0
    private var reserved: Int64 = 0

    package init() {}

    /// - Parameter count: bytes that the file has; all up to there were written by now.
    package mutating func advance(to count: Int64, in descriptor: Int32) {
        guard count - begun >= Self.interval else { return }
        // Both are hints: where one does nothing, or fails, the writes and the sync do all, and tell.
        _ = dray_begin_writeback(descriptor, begun, count - begun)
        begun = count
        if dray_reserve(descriptor, count, Self.interval) == 0 {
            reserved = count + Self.interval
        }
    }

    /// Gives back what was reserved beyond the end.
    ///
    /// - Parameter count: bytes that the file has, or is to have.
    package mutating func end(at count: Int64, in descriptor: Int32, path: String) throws {
        guard reserved > count else { return }
        try systemCall("truncate", path) { ftruncate(descriptor, off_t(count)) }
        reserved = 0
    }
}

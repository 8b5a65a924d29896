package import ImageModel
import Synchronization

/// Keeps the bytes of all transfers together below so many a second.
package final class RateLimiter: Sendable {
    private let nanosecondsPerByte: Double
    /// When the next byte may pass.
    private let next = Mutex(ContinuousClock.now)

    package init(bytesPerSecond: Int64) {
        nanosecondsPerByte = 1e9 / Double(max(1, bytesPerSecond))
    }

    /// Reads a rate: a size, for each second.
    ///
    /// - Throws: `ImageError`.
    package static func bytesPerSecond(_ text: String) throws(ImageError) -> Int64 {
        try ByteSize(text.hasSuffix("/s") ? String(text.dropLast(2)) : text).bytes
    }

    /// Blocks until `count` bytes may pass.
    func pass(_ count: Int) {
        let cost = Duration.nanoseconds(Int64(nanosecondsPerByte * Double(count)))
        let start = next.withLock { next in
            // What was not used is not saved up, but for a tenth of a second.
            let start = max(next, .now - .milliseconds(100))
            next = start + cost
            return next
        }
        sleep(for: start - .now)
    }
}

import Synchronization

/// Keeps the bytes of all transfers together below so many a second.
public final class RateLimiter: Sendable {
    private let nanosecondsPerByte: Double
    /// When the next byte may pass.
    private let next = Mutex(ContinuousClock.now)

    public init(bytesPerSecond: Int64) {
        nanosecondsPerByte = 1e9 / Double(max(1, bytesPerSecond))
    }

    /// Reads a rate: `500k`, `10M`, `1G`, or a plain number of bytes a second.
    ///
    /// - Returns: nil for what is none.
    public static func bytesPerSecond(_ text: String) -> Int64? {
        let units: [Character: Int64] = ["k": 1 << 10, "m": 1 << 20, "g": 1 << 30]
        let unit = text.last.flatMap { units[Character($0.lowercased())] }
        guard let number = Double(unit == nil ? text[...] : text.dropLast()), number > 0 else { return nil }
        let rate = number * Double(unit ?? 1)
        // A petabyte a second is no limit.
        guard rate < 1e15 else { return nil }
        return max(1, Int64(rate))
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

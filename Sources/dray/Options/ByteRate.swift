import ArgumentParser
import RegistryClient

/// Bytes a second, as `500k`, `10M` or a plain number.
struct ByteRate: ExpressibleByArgument, Sendable {
    let bytesPerSecond: Int64

    init?(argument: String) {
        guard let rate = RateLimiter.bytesPerSecond(argument) else { return nil }
        bytesPerSecond = rate
    }
}

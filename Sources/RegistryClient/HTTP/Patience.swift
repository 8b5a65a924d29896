import Glibc
package import NIOHTTP1

/// How often and how long something is tried again.
struct Patience {
    private let times: Int
    private let limit: Duration
    private var failures = 0
    /// Of the first failure since something came through.
    private var since = ContinuousClock.now

    init(_ options: RegistryOptions) {
        times = options.retryTimes
        limit = options.retryTimeout
    }

    /// Waits before another try.
    ///
    /// - Parameter advice: what the other side asked for.
    /// - Returns: false, at once, if there is to be no other.
    mutating func wait(_ advice: Duration? = nil) -> Bool {
        guard failures < times else { return false }
        // Doubling from half a second to 30, spread by half so that many clients do not come back at once.
        let backOff = Duration.seconds(min(30, 0.5 * Double(1 << min(failures, 10)))) * Double.random(in: 0.5...1.5)
        let pause = advice.map { max($0, backOff / 4) } ?? backOff
        if failures == 0 { since = .now }
        guard ContinuousClock.now + pause < since + limit else { return false }
        failures += 1
        sleep(for: pause)
        return true
    }

    /// Something came through: the counting starts anew.
    mutating func progressed() { failures = 0 }
}

/// Blocks this thread.
func sleep(for duration: Duration) {
    guard duration > .zero else { return }
    let (seconds, attoseconds) = duration.components
    var rest = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
    var left = timespec()
    while nanosleep(&rest, &left) != 0 { rest = left }
}

extension HTTPHeaders {
    /// `Retry-After`, in seconds or as a date: RFC 9110, section 10.2.3.
    package var retryAfter: Duration? {
        guard let text = first(name: "retry-after") else { return nil }
        if let seconds = Int(text), seconds >= 0 { return .seconds(Swift.min(seconds, 1 << 20)) }
        // Sun, 06 Nov 1994 08:49:37 GMT
        let words = text.split(whereSeparator: { " :,".contains($0) })
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        guard words.count == 8, let day = Int32(words[1]), let month = months.firstIndex(of: String(words[2])),
            let year = Int32(words[3]), let hour = Int32(words[4]), let minute = Int32(words[5]),
            let second = Int32(words[6])
        else { return nil }
        var parts = tm()
        parts.tm_mday = day
        parts.tm_mon = Int32(month)
        parts.tm_year = year - 1900
        parts.tm_hour = hour
        parts.tm_min = minute
        parts.tm_sec = second
        return .seconds(Swift.max(0, Swift.min(timegm(&parts) - time(nil), 1 << 20)))
    }
}

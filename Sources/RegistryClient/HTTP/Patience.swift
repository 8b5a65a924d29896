import Glibc

/// How often and how long something is tried again.
struct Patience {
    private let times: Int
    private let limit: Duration
    private var failures = 0
    /// Of the first failure since something came through.
    private var since = ContinuousClock.now

    /// - Parameter times: at most so many, whatever the options say.
    init(_ options: RegistryOptions, atMost times: Int = .max) {
        self.times = min(options.retryTimes, times)
        limit = options.retryTimeout
    }

    /// How long to wait before another try.
    ///
    /// - Parameter advice: what the other side asked for.
    /// - Returns: nil if there is to be no other.
    mutating func pause(_ advice: Duration? = nil) -> Duration? {
        guard failures < times else { return nil }
        // Doubling from half a second to 30, spread by half so that many clients do not come back at once.
        let backOff = Duration.seconds(min(30, 0.5 * Double(1 << min(failures, 10)))) * Double.random(in: 0.5...1.5)
        let pause = advice.map { max($0, backOff / 4) } ?? backOff
        if failures == 0 { since = .now }
        guard ContinuousClock.now + pause < since + limit else { return nil }
        failures += 1
        return pause
    }

    /// Waits before another try.
    ///
    /// - Returns: false, at once, if there is to be no other.
    mutating func wait(_ advice: Duration? = nil) -> Bool {
        guard let pause = pause(advice) else { return false }
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

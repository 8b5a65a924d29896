import Glibc

/// How often and how long something is tried again.
struct Patience {
    private let times: Int
    private let limit: Duration
    private let remark: @Sendable (String) -> Void
    private var failures = 0
    /// Of the first failure since something came through.
    private var since = ContinuousClock.now

    /// - Parameter times: at most so many, whatever the options say.
    init(_ options: RegistryOptions, atMost times: Int = .max) {
        self.times = min(options.retryTimes, times)
        limit = options.retryTimeout
        remark = options.remark
    }

    /// How long to wait before another try, of which the user is told.
    ///
    /// - Parameters:
    ///   - advice: what the other side asked for.
    ///   - cause: the host and what went wrong; nil for a try that is no retry of a failure.
    /// - Returns: nil if there is to be no other.
    mutating func pause(_ advice: Duration? = nil, after cause: @autoclosure () -> String?) -> Duration? {
        guard failures < times else { return nil }
        // Doubling from half a second to 30, spread by half so that many clients do not come back at once.
        let backOff = Duration.seconds(min(30, 0.5 * Double(1 << min(failures, 10)))) * Double.random(in: 0.5...1.5)
        let pause = advice.map { max($0, backOff / 4) } ?? backOff
        if failures == 0 { since = .now }
        guard ContinuousClock.now + pause < since + limit else { return nil }
        failures += 1
        if let cause = cause() { remark("\(cause); trying again in \(Self.text(pause)) (\(failures) of \(times))") }
        return pause
    }

    /// Waits before another try.
    ///
    /// - Returns: false, at once, if there is to be no other.
    mutating func wait(_ advice: Duration? = nil, after cause: @autoclosure () -> String?) -> Bool {
        guard let pause = pause(advice, after: cause()) else { return false }
        sleep(for: pause)
        return true
    }

    /// `0.4 s`, `2 s`
    static func text(_ pause: Duration) -> String {
        let tenths = Int((pause / .seconds(0.1)).rounded())
        return tenths < 100 && tenths % 10 != 0 ? "\(tenths / 10).\(tenths % 10) s" : "\((tenths + 5) / 10) s"
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

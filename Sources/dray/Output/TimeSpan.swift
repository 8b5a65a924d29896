/// A time as people read it: `0.4 s`, `42 s`, `3 min 05 s`, `2 h 10 min`.
struct TimeSpan: CustomStringConvertible {
    let seconds: Double

    init(_ seconds: Double) { self.seconds = max(0, seconds) }

    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self.init(Double(seconds) + Double(attoseconds) / 1e18)
    }

    var description: String {
        if seconds < 9.95 {
            let tenths = Int((seconds * 10).rounded())
            return "\(tenths / 10).\(tenths % 10) s"
        }
        guard seconds < 100 * 3600 else { return "more than 99 h" }
        let whole = Int(seconds.rounded())
        if whole < 60 { return "\(whole) s" }
        if whole < 3600 { return "\(whole / 60) min \(Self.twoDigits(whole % 60)) s" }
        return "\(whole / 3600) h \(Self.twoDigits(whole % 3600 / 60)) min"
    }

    private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}

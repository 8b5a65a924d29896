import Glibc

/// Points in time as text, in UTC; times are seconds since 1970.
package enum Timestamp {
    package static var now: Int { time(nil) }

    /// `2026-11-23T23:44:56Z`
    package static func rfc3339(_ time: Int) -> String { format(time, "%Y-%m-%dT%H:%M:%SZ") }

    /// - Returns: nil for anything but the form that `rfc3339` makes, with or without a fraction of a second.
    package static func parse(_ text: String) -> Int? {
        let fields = text.split(whereSeparator: { "-T:.Z".contains($0) }).map { Int($0) }
        guard text.hasSuffix("Z"), fields.count >= 6, fields.count <= 7,
            let year = fields[0], let month = fields[1], let day = fields[2],
            let hour = fields[3], let minute = fields[4], let second = fields[5],
            (1970...9999).contains(year), (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        var parts = tm()
        parts.tm_year = Int32(year - 1900)
        parts.tm_mon = Int32(month - 1)
        parts.tm_mday = Int32(day)
        guard (0...23).contains(hour), (0...59).contains(minute), (0...60).contains(second) else { return nil }
        return timegm(&parts) + hour * 3600 + minute * 60 + second
    }

    /// - Parameter pattern: of strftime(3).
    package static func format(_ time: Int, _ pattern: String) -> String {
        var time = time
        var parts = tm()
        gmtime_r(&time, &parts)
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
            buffer.initialize(repeating: 0)
            guard let start = buffer.baseAddress else { return "" }
            strftime(start, buffer.count, pattern, &parts)
            return String(cString: start)
        }
    }
}

import Glibc

/// A date as HTTP writes it.
package enum HTTPDate {
    /// Seconds since 1970; nil for what is none of the three forms of RFC 9110, section 5.6.7:
    /// `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37 1994`.
    package static func seconds(_ text: String) -> Int? {
        var words = text.split(whereSeparator: { " ,-:".contains($0) }).dropFirst().map(String.init)
        guard words.count >= 6 else { return nil }
        // The last form has the month first and the year last.
        if words.count == 6 { words = [words[1], words[0], words[5], words[2], words[3], words[4]] }
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        guard let month = months.firstIndex(of: words[1]), let day = number(words[0], 1...31),
            let year = number(words[2], 0...9999), let hour = number(words[3], 0...23),
            let minute = number(words[4], 0...59), let second = number(words[5], 0...60)
        else { return nil }
        var parts = tm()
        parts.tm_mday = day
        parts.tm_mon = Int32(month)
        parts.tm_year = year >= 100 ? year - 1900 : year < 70 ? year + 100 : year
        parts.tm_hour = hour
        parts.tm_min = minute
        parts.tm_sec = second
        return timegm(&parts)
    }

    private static func number(_ text: String, _ range: ClosedRange<Int32>) -> Int32? {
        Int32(text).flatMap { range.contains($0) ? $0 : nil }
    }
}

import ImageModel

/// Dates in HTTP headers; times are seconds since 1970.
package enum HTTPTime {
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// Reads `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that RFC 9110, section 5.6.7, lets servers send.
    package static func parse(_ text: String) -> Int? {
        let words = text.split(separator: " ")
        guard words.count == 6, words[5] == "GMT", let month = months.firstIndex(of: String(words[2])) else {
            return nil
        }
        func padded(_ number: some StringProtocol) -> String { number.count == 1 ? "0\(number)" : "\(number)" }
        return Timestamp.parse("\(words[3])-\(padded("\(month + 1)"))-\(padded(words[1]))T\(words[4])Z")
    }
}

/// Which part of an upload a request brings: `FIRST-LAST`, or `bytes FIRST-LAST/SIZE` as other ranges are written.
/// Source: OCI distribution-spec, "Pushing a blob in chunks".
package struct ContentRange: Sendable {
    package let first: Int64
    /// One less than `first` where there are no bytes.
    package let last: Int64

    package var count: Int64 { last - first + 1 }

    /// - Returns: nil for what is no range.
    package init?(_ header: String) {
        var text = header[...]
        for word in ["bytes ", "bytes="] where text.hasPrefix(word) { text = text.dropFirst(word.count) }
        let ends = text.prefix { $0 != "/" }.split(separator: "-", omittingEmptySubsequences: false).map { Int64($0) }
        guard ends.count == 2, let first = ends[0], let last = ends[1], first >= 0, last >= first - 1, last < .max
        else { return nil }
        self.first = first
        self.last = last
    }
}

/// What a request names, taken apart: the path below the prefix, and the query.
package struct RequestTarget: Sendable {
    /// nil if there is nothing of that name.
    package let endpoint: Endpoint?
    package let query: Query
    /// Whether it is the API's, or of what stands around it.
    package let isAPI: Bool

    /// - Parameters:
    ///   - target: as it was sent.
    ///   - prefix: that all paths have; begins and ends with a slash.
    package init(_ target: String, prefix: String) {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        query = Query(parts.count > 1 ? parts[1] : "")
        if let path = Query.decode(parts[0]), path.hasPrefix(prefix) {
            endpoint = Endpoint("/" + path.dropFirst(prefix.count))
            isAPI = path.dropFirst(prefix.count).prefix { $0 != "/" } == "v2"
        } else {
            endpoint = nil
            isAPI = false
        }
    }
}

/// A page of a repository's tags.
package struct TagsPage: Sendable, Equatable {
    package var tags: [String]
    /// Parameters of the request for the next page; nil on the last one.
    package var next: TagsRequest?

    package init(tags: [String], next: TagsRequest? = nil) {
        self.tags = tags
        self.next = next
    }

    /// The part of a whole list that is asked for.
    ///
    /// - Parameter all: sorted.
    package init(of all: [String], _ request: TagsRequest) {
        let rest = request.last.map { last in Array(all.drop { $0 <= last }) } ?? all
        tags = Array(rest.prefix(request.count ?? .max))
        guard rest.count > tags.count, let last = tags.last else { return }
        next = TagsRequest(count: request.count, last: last)
    }
}

/// The page of a list of tags that a client asks for.
package struct TagsRequest: Hashable, Sendable {
    /// Most entries.
    package var count: Int?
    /// The last entry of the page before.
    package var last: String?
    /// Other parameters, which some registries put into their links to the next page.
    package var others: [String: String] = [:]

    package init(count: Int? = nil, last: String? = nil) {
        self.count = count
        self.last = last
    }

    /// - Parameter count: `n`, checked.
    package init(_ query: Query, count: Int?) {
        self.init(count: count, last: query["last"])
        // `ns` is the registry that containerd has a mirror asked for.
        others = query.firstValues.filter { !["n", "last", "ns"].contains($0.key) }
    }

    /// In an order that is always the same.
    package var parameters: [(name: String, value: String)] {
        var all = [last.map { ("last", $0) }, count.map { ("n", String($0)) }].compactMap { $0 }
        all += others.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        return all
    }
}

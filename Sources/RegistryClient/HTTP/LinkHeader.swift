import NIOHTTP1

extension HTTPAnswer {
    /// Where the next page is: RFC 8288, as the distribution specification uses it.
    var nextPage: Address? {
        for value in headers[canonicalForm: "link"] {
            guard let open = value.firstIndex(of: "<"), let close = value[open...].firstIndex(of: ">") else { continue }
            let parameters = value[value.index(after: close)...].split(separator: ";").map {
                $0.filter { !$0.isWhitespace && $0 != "\"" }.lowercased()
            }
            guard parameters.contains("rel=next") || !parameters.contains(where: { $0.hasPrefix("rel=") }) else {
                continue
            }
            return address.resolving(String(value[value.index(after: open)..<close]))
        }
        return nil
    }
}

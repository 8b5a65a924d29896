import Glibc
package import ImageModel
package import NIOHTTP1

/// What the headers of answers say.
extension HTTPHeaders {
    /// `Content-Length`.
    package var length: Int64? {
        first(name: "content-length").flatMap { Int64($0) }.flatMap { $0 < 0 ? nil : $0 }
    }

    /// `Docker-Content-Digest`: of the manifest or blob that the answer is about.
    package var contentDigest: Digest? { first(name: "docker-content-digest").flatMap { Digest($0) } }

    /// Media type without parameters.
    package var contentType: String? {
        first(name: "content-type")?.split(separator: ";").first.map {
            $0.filter { !$0.isWhitespace }.lowercased()
        }
    }

    /// `Location`.
    ///
    /// - Parameter address: where the answer came from.
    package func location(from address: Address) -> Address? {
        first(name: "location").flatMap { address.resolving($0) }
    }

    /// The address of the next page: RFC 8288, as the distribution specification uses it. Path and query come from the
    /// header; scheme, host and port are those of the answer, since a registry may know only its inner name.
    ///
    /// - Parameter address: where the answer came from.
    /// - Returns: nil on the last page.
    /// - Throws: `ImageError` for a next page that cannot be asked for.
    package func nextPage(from address: Address) throws -> Address? {
        for link in self["link"].flatMap({ WebLink.all(in: $0) })
        where link.relations.isEmpty || link.relations.contains("next") {
            guard let next = address.resolving(link.target)?.moved(to: address) else {
                throw ImageError.invalidDocument(
                    "\(address.origin): invalid Link header: the list cannot be read to its end")
            }
            return next
        }
        return nil
    }

    /// How many bytes of an upload the registry has: `Range: 0-LAST`.
    package var uploaded: Int64? {
        guard let range = first(name: "range") else { return nil }
        let ends = range.split(separator: "=").last?.split(separator: "-") ?? []
        guard ends.count == 2, let last = Int64(ends[1]), last >= 0 else { return nil }
        let (count, overflow) = last.addingReportingOverflow(1)
        return overflow ? .max : count
    }

    /// Where the part of a blob begins that an answer holds: `Content-Range: bytes FIRST-LAST/SIZE`.
    ///
    /// - Returns: -1 if that cannot be told; nil without such a header.
    package var partStart: Int64? {
        first(name: "content-range").map { range in
            range.split(whereSeparator: { " -/".contains($0) }).dropFirst().first.flatMap { Int64($0) } ?? -1
        }
    }

    /// How long the whole is of which an answer holds a part: `Content-Range: bytes FIRST-LAST/SIZE`.
    package var wholeLength: Int64? {
        first(name: "content-range")?.split(separator: "/").last.flatMap { Int64($0) }.flatMap { $0 < 0 ? nil : $0 }
    }

    /// `Retry-After`, in seconds or as a date: RFC 9110, section 10.2.3.
    package var retryAfter: Duration? {
        guard let text = first(name: "retry-after") else { return nil }
        if let seconds = Int(text) { return seconds >= 0 ? .seconds(Swift.min(seconds, 1 << 20)) : nil }
        return HTTPDate.seconds(text).map { .seconds(Swift.max(0, Swift.min($0 - time(nil), 1 << 20))) }
    }
}

/// One link of a `Link` header: RFC 8288, section 3.
private struct WebLink {
    var target: String
    /// The values of the parameter `rel`, in lower case.
    var relations: [String] = []

    /// All links of one header line: `<TARGET>; rel="next", <TARGET>; ...`. Some registries leave out the brackets.
    static func all(in text: String) -> [WebLink] {
        var links: [WebLink] = []
        var rest = text[...]
        while true {
            rest = rest.drop { $0.isWhitespace || $0 == "," }
            guard !rest.isEmpty else { return links }
            var link: WebLink
            if rest.first == "<" {
                let target = rest.dropFirst().prefix { $0 != ">" }
                link = WebLink(target: String(target))
                rest = rest[target.endIndex...].dropFirst()
            } else {
                let target = rest.prefix { $0 != ";" }
                link = WebLink(target: String(target.filter { !$0.isWhitespace }))
                rest = rest[target.endIndex...]
            }
            // Parameters up to the next comma outside of quotation marks.
            var isQuoted = false
            let parameters = rest.prefix { character in
                if character == "\"" { isQuoted.toggle() }
                return isQuoted || character != ","
            }
            rest = rest[parameters.endIndex...]
            for parameter in parameters.split(separator: ";") {
                let parts = parameter.split(separator: "=", maxSplits: 1).map { $0.filter { $0 != "\"" }.lowercased() }
                guard parts.count == 2, parts[0].filter({ !$0.isWhitespace }) == "rel" else { continue }
                link.relations += parts[1].split(whereSeparator: \.isWhitespace).map(String.init)
            }
            links.append(link)
        }
    }
}

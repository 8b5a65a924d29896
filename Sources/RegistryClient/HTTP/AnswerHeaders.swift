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

    /// Where the next page is: RFC 8288, as the distribution specification uses it.
    ///
    /// - Parameter address: where the answer came from.
    package func nextPage(from address: Address) -> Address? {
        for value in self[canonicalForm: "link"] {
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

    /// `Retry-After`, in seconds or as a date: RFC 9110, section 10.2.3.
    package var retryAfter: Duration? {
        guard let text = first(name: "retry-after") else { return nil }
        if let seconds = Int(text) { return seconds >= 0 ? .seconds(Swift.min(seconds, 1 << 20)) : nil }
        return HTTPDate.seconds(text).map { .seconds(Swift.max(0, Swift.min($0 - time(nil), 1 << 20))) }
    }
}

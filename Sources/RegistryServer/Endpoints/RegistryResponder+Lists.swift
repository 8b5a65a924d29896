import HTTPTypes
import Hummingbird
import ImageModel

extension RegistryResponder {
    private struct Catalog: Encodable { var repositories: [String] }

    /// `GET /v2/_catalog`
    func catalog(_ exchange: Exchange) async throws -> Response {
        let most = configuration.catalogLimit
        let count = try pageSize(exchange, most: most, isStrict: true) ?? min(100, most)
        let names = count == 0 ? [] : try await content.repositories(after: exchange.query["last"], limit: count + 1)
        return try page(names, count, "/v2/_catalog", exchange) { Catalog(repositories: $0) }
    }

    private struct TagList: Encodable {
        var name: String
        /// nil is written as `null`.
        var tags: [String]?

        enum CodingKeys: CodingKey { case name, tags }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(name, forKey: .name)
            try container.encode(tags, forKey: .tags)
        }
    }

    /// `GET /v2/NAME/tags/list`
    func tags(_ exchange: Exchange, of repository: String) async throws -> Response {
        let count = try pageSize(exchange, most: configuration.tagsLimit, isStrict: false)
        guard var tags = try await content.tags(of: repository) else {
            throw APIError(.nameUnknown, detail: .object(["name": .string(repository)]))
        }
        if let last = exchange.query["last"] { tags = Array(tags.drop { $0 <= last }) }
        return try page(tags, count ?? .max, "/v2/\(repository)/tags/list", exchange) {
            TagList(name: repository, tags: $0.isEmpty && nullTags ? nil : $0)
        }
    }

    /// - Parameter items: more than fit, if there are more.
    private func page(
        _ items: [String], _ count: Int, _ path: String, _ exchange: Exchange, _ document: ([String]) -> some Encodable
    ) throws -> Response {
        let shown = Array(items.prefix(count))
        var headers = HTTPFields()
        if items.count > shown.count, let last = shown.last {
            let prefix = configuration.http.prefix.dropLast()
            headers[.link] = "<\(prefix)\(path)?last=\(PercentEncoding.encode(last))&n=\(count)>; rel=\"next\""
        }
        return try .json(document(shown), headers: headers)
    }

    /// - Parameter isStrict: whether more than `most` is refused, and not cut down.
    private func pageSize(_ exchange: Exchange, most: Int, isStrict: Bool) throws -> Int? {
        guard let text = exchange.query["n"] else { return nil }
        let count = Int(text)
        guard let count, count >= 0, count <= most || !isStrict else {
            let detail = count.flatMap { $0 >= 0 ? JSONValue.integer(Int64($0)) : nil } ?? .string(text)
            throw APIError(.paginationNumberInvalid, detail: .object(["n": detail]))
        }
        return min(count, most)
    }

    /// `GET /v2/NAME/referrers/DIGEST`
    func referrers(_ exchange: Exchange, of text: String, in repository: String) async throws -> Response {
        let digest = try exchange.digest(text)
        let type = exchange.query["artifactType"].flatMap { $0.isEmpty ? nil : $0 }
        let count = try pageSize(exchange, most: configuration.tagsLimit, isStrict: false) ?? configuration.tagsLimit
        let page = try await content.referrers(
            of: digest, in: repository,
            on: ReferrersPage(artifactType: type, after: exchange.query["last"], most: count))
        var headers: HTTPFields = [.contentType: MediaType.ociIndex.rawValue]
        var query = ""
        if let type {
            headers[.filtersApplied] = "artifactType"
            query = "artifactType=\(PercentEncoding.encode(type))&"
        }
        if page.hasMore, let last = page.shown.last {
            let path = "\(configuration.http.prefix.dropLast())/v2/\(repository)/referrers/\(digest)"
            headers[.link] =
                "<\(path)?\(query)last=\(PercentEncoding.encode(last.digest.description))&n=\(count)>; rel=\"next\""
        }
        return try .json(ImageIndex(manifests: page.shown), headers: headers)
    }
}

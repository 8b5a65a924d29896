import ByteStreams
import HTTPTypes
import Hummingbird
import ImageModel
import NIOCore

extension RegistryResponder {
    private struct Catalog: Encodable { var repositories: [String] }

    /// `GET /v2/_catalog`
    func catalog(_ exchange: Exchange) async throws -> Response {
        let most = configuration.catalogLimit
        let count = try pageSize(exchange, most: most, isStrict: true) ?? min(100, most)
        let names = count == 0 ? [] : try await content.repositories(after: exchange.query["last"], limit: count + 1)
        let shown = Array(names.prefix(count))
        var headers = HTTPFields()
        if names.count > shown.count, let last = shown.last {
            headers[.link] = link("/v2/_catalog", [("last", last), ("n", String(count))])
        }
        return try .json(Catalog(repositories: shown), headers: headers)
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
        guard let page = try await content.tags(of: repository, TagsRequest(exchange.query, count: count)) else {
            throw APIError(.nameUnknown, detail: .object(["name": .string(repository)]))
        }
        var headers = HTTPFields()
        if let next = page.next { headers[.link] = link("/v2/\(repository)/tags/list", next.parameters) }
        let tags = page.tags.isEmpty && nullTags ? nil : page.tags
        let size = page.tags.reduce(0) { $0 + $1.utf8.count + 3 }
        return try await list(TagList(name: repository, tags: tags), size: size, headers, exchange)
    }

    /// Answers with a list. A large one is encoded in its client's turn, and counts until it is sent.
    ///
    /// - Parameter size: about as many bytes as it has.
    private func list(
        _ value: some Encodable & Sendable, size: Int, _ headers: HTTPFields, _ exchange: Exchange
    ) async throws -> Response {
        guard size > Self.smallList else { return try .json(value, headers: headers) }
        let lease = try await answerLease(size, exchange)
        let bytes = try await FairShare.documents.run(on: .documents) {
            ByteBuffer(bytes: try Document.encode(value) + [10])
        }
        return .document(
            ResponseBody(inPieces: bytes, holding: lease, to: exchange.context.channel), headers: headers)
    }

    private func answerLease(_ size: Int, _ exchange: Exchange) async throws -> FairShare.Lease {
        try await FairShare.answers.lease(min(size, DocumentMemory.answerLimit), for: exchange.client.share)
    }

    private static let smallList = 32 << 10

    /// `Link` to another page of the same list.
    private func link(_ path: String, _ parameters: [(name: String, value: String)]) -> String {
        let query = parameters.map { "\(PercentEncoding.encode($0.name))=\(PercentEncoding.encode($0.value))" }
        return "<\(configuration.http.prefix.dropLast())\(path)?\(query.joined(separator: "&"))>; rel=\"next\""
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
        var page = try await content.referrers(
            of: digest, in: repository,
            ReferrersPage.Request(artifactType: type, last: exchange.query["last"], most: count))
        var headers: HTTPFields = [.contentType: MediaType.ociIndex.rawValue]
        if type != nil { headers[.filtersApplied] = "artifactType" }
        if page.hasMore, let last = page.last {
            headers[.link] = link(
                "/v2/\(repository)/referrers/\(digest)",
                (type.map { [("artifactType", $0)] } ?? []) + [
                    ("last", last.description), ("n", String(count)),
                ])
        }
        page.finish()
        guard page.size > Self.smallList else {
            return .document(ResponseBody(byteBuffer: page.document), headers: headers)
        }
        let lease = if let lease = page.lease { lease } else { try await answerLease(page.size, exchange) }
        return .document(
            ResponseBody(inPieces: page.document, holding: lease, to: exchange.context.channel), headers: headers)
    }
}

import ImageModel
import NIOHTTP1

/// One page of a listing.
package struct ListingPage: Sendable {
    /// In the server's order, which is not that of the keys everywhere.
    package var objects: [ObjectInfo] = []
    /// The common prefixes of keys that a delimiter stands for.
    package var prefixes: [String] = []
    /// The token for the next page; nil after the last one.
    package var next: String?
}

/// The pages of a listing, fetched one at a time as they are asked for.
package struct Listing: AsyncSequence, Sendable {
    let bucket: Bucket
    let prefix: String
    let delimiter: String?
    let pageSize: Int

    package struct AsyncIterator: AsyncIteratorProtocol {
        let listing: Listing
        var token: String?
        var isEnded = false

        package mutating func next() async throws -> ListingPage? {
            guard !isEnded else { return nil }
            let page = try await listing.bucket.page(
                prefix: listing.prefix, delimiter: listing.delimiter, after: token, limit: listing.pageSize)
            guard page.next == nil || page.next != token else {
                throw ImageError(
                    .service, "\(listing.bucket.sender.name(listing.prefix)): cannot list: the server repeats a page",
                    hint: "check that \(listing.bucket.endpoint) is an S3 server")
            }
            token = page.next
            isEnded = page.next == nil
            return page
        }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(listing: self) }
}

extension Bucket {
    /// Lists the objects whose keys begin with `prefix`.
    ///
    /// - Parameters:
    ///   - delimiter: keys that have it after the prefix are reported as common prefixes.
    ///   - pageSize: objects and prefixes in a page, at most 1,000.
    package func list(prefix: String, delimiter: String? = nil, pageSize: Int = 1000) -> Listing {
        Listing(bucket: self, prefix: prefix, delimiter: delimiter, pageSize: pageSize)
    }

    /// Fetches one page of a listing. Source: Amazon S3 API Reference, "ListObjectsV2".
    package func page(
        prefix: String, delimiter: String? = nil, after token: String? = nil, limit: Int = 1000
    ) async throws -> ListingPage {
        var request = ObjectRequest(method: .GET, permission: "s3:ListBucket", action: "list \(prefix)")
        request.query = [
            ("list-type", "2"), ("prefix", prefix), ("max-keys", "\(limit)"), ("encoding-type", "url"),
        ]
        if let delimiter { request.query.append(("delimiter", delimiter)) }
        if let token { request.query.append(("continuation-token", token)) }
        return try await sender.send(request) { answer in
            let document = try await answer.document("ListBucketResult")
            let text = try Self.decoder(of: document)
            var page = ListingPage()
            for item in document.all("Contents") {
                guard let key = item.text("Key"), let size = item.word("Size").flatMap({ Int64($0) }), size >= 0 else {
                    throw GarbledAnswer(problem: "a listed object has no key or no size")
                }
                page.objects.append(
                    ObjectInfo(
                        key: try text(key), size: size, etag: item.text("ETag").flatMap(ETag.clean),
                        time: item.word("LastModified")))
            }
            page.prefixes = try document.all("CommonPrefixes").compactMap { try $0.text("Prefix").map(text) }
            guard page.objects.allSatisfy({ $0.key.hasPrefix(bytes: prefix) }),
                page.prefixes.allSatisfy({ $0.hasPrefix(bytes: prefix) })
            else { throw GarbledAnswer(problem: "the listing holds keys outside of the prefix") }
            guard document.word("IsTruncated") == "true" else { return page }
            page.next = document.text("NextContinuationToken").flatMap { $0.isEmpty ? nil : $0 }
            guard page.next != nil else {
                throw GarbledAnswer(problem: "the listing is cut off and names no next page")
            }
            return page
        }
    }

    /// How the keys of a listing are to be read: some servers ignore `encoding-type`.
    static func decoder(of document: XMLNode) throws -> (String) throws -> String {
        guard document.word("EncodingType") == "url" else { return { $0 } }
        return { text in
            guard let key = KeyEncoding.decode(text) else {
                throw GarbledAnswer(problem: "a listed key is badly encoded")
            }
            return key
        }
    }
}

extension String {
    /// Whether it begins with exactly these bytes; `hasPrefix` compares characters.
    func hasPrefix(bytes prefix: String) -> Bool { utf8.starts(with: prefix.utf8) }
}

package import ByteStreams
package import ImageModel
import NIOHTTP1

/// Requests of a cache, each of which is one request to the registry, apart from its tokens.
extension Registry {
    /// One page of a repository's tags, in the registry's own order.
    ///
    /// - Parameters:
    ///   - query: of the page.
    ///   - isWanted: whether anybody still waits for the page.
    /// - Returns: nil if there is no such repository; `next` is the query of the next page.
    package func tagPage(
        in repository: String, query: [(name: String, value: String)], isWanted: @escaping () -> Bool = { true }
    ) throws -> (tags: [String], next: String?)? {
        let name = "\(host): tags of \(repository)"
        var request = RegistryRequest(
            method: .GET, path: "\(repository)/tags/list", repository: repository, scope: .pull(repository),
            action: "list the tags", expects: [404])
        if !query.isEmpty { request.address = try session.base().resolving("v2/" + request.path)?.adding(query) }
        return try session.send(request) { answer in
            guard answer.status != 404 else {
                answer.finish()
                return nil
            }
            let next = try answer.nextPage.map { String($0.target.drop { $0 != "?" }.dropFirst()) }
            let tags = try items(of: "tags", in: answer, name: name, Pages(name, limit: 8 << 20, isWanted: isWanted))
            return (tags.filter(ImageName.isTag), next)
        }
    }

    /// Begins to download a blob.
    ///
    /// - Returns: nil if there is none; its size is nil where the registry does not say.
    package func download(_ digest: Digest, in repository: String) throws -> (source: any ByteSource, size: Int64?)? {
        let places = RegistryPlaces(host: host, main: RegistryRoute(self), mirrors: [])
        let download = BlobDownload(Descriptor(untyped: digest), in: repository, of: places)
        do {
            return (download, try download.begin())
        } catch let error as ImageError where error.code == .notFound {
            return nil
        }
    }
}

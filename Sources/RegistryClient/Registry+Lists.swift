import ByteStreams
import ImageModel
import ImageTransfer
import NIOHTTP1

extension Registry {
    private struct Tags: Decodable { var tags: [String]? }
    private struct Catalog: Decodable { var repositories: [String]? }

    /// The tags of a repository, sorted; what is no tag is left out with a remark.
    ///
    /// - Parameter pages: to look at, at most: for a hint, one will do.
    /// - Throws: `TransferError.notFound` if there is no such repository.
    func tags(in repository: String, pages: Int = .max) throws -> [String] {
        let request = RegistryRequest(
            method: .GET, path: "\(repository)/tags/list", repository: repository, scope: .pull(repository),
            action: "list the tags", expects: [404])
        let all = try list(request, pages: pages, Tags.self) { $0.tags ?? [] }
        let tags = all.filter { ImageName.isTag($0) }
        if tags.count < all.count {
            session.remark(
                "\(host)/\(repository): left out \(all.count - tags.count) entries of the tag list that are no tags")
        }
        return tags
    }

    /// Every repository that the registry tells of.
    func repositories() throws -> [String] {
        do {
            let request = RegistryRequest(
                method: .GET, path: "_catalog", scope: .catalog, action: "list the repositories")
            let all = try list(request, pages: .max, Catalog.self) { $0.repositories ?? [] }
            let names = all.filter { ImageName.isRepository($0) }
            if let bad = all.first(where: { !ImageName.isRepository($0) }) {
                session.remark(
                    "\(host): left out \(all.count - names.count) entries of the catalog that name no repository: "
                        + RegistryProblem.short(session.secrets.redact(bad)))
            }
            return names
        } catch var error as RegistryError where [401, 403, 404, 405, 501].contains(error.status ?? 0) {
            error.advice =
                "many registries tell nobody what repositories there are: name one, as docker://\(host)/REPOSITORY"
            throw error
        }
    }

    private func list<Page: Decodable>(
        _ request: RegistryRequest, pages limit: Int, _ type: Page.Type, _ items: (Page) -> [String]
    ) throws -> [String] {
        let name = "\(host): \(request.path)"
        var request = request
        var all: Set<String> = []
        var pages = Pages(name)
        for _ in 0..<limit {
            let page: (items: [String], next: Address?, bytes: Int)? = try session.send(request) { answer in
                guard answer.status != 404 else {
                    // A repository without images is unknown to some registries, and empty to others.
                    guard all.isEmpty else { return nil }
                    let words = RegistryProblem.short(session.secrets.redact(RegistryProblem(answer).text))
                    throw TransferError.notFound(
                        "\(host) has no repository \(request.repository ?? "")" + (words.isEmpty ? "" : " (\(words))"))
                }
                let bytes = try answer.bytes(limit: Document.pageSizeLimit, name: name)
                let page = try Document.decode(type, from: bytes, name: name, sizeLimit: Document.pageSizeLimit)
                return (items(page), answer.nextPage, bytes.count)
            }
            guard let page else { break }
            let before = all.count
            all.formUnion(page.items)
            guard let next = try pages.turn(to: page.next, news: all.count - before, bytes: page.bytes, session) else {
                break
            }
            request.address = next
        }
        return all.sorted()
    }
}

/// Guards against lists that lead nowhere or have no end.
struct Pages {
    private static let byteLimit = 64 << 20
    private let name: String
    private var seen: Set<Address> = []
    private var bytes = 0
    private var withoutNews = 0

    init(_ name: String) { self.name = name }

    /// - Returns: the page to go on with; nil at the end, or where the pages only repeat themselves, which the
    ///   user is told.
    /// - Throws: `StreamError.limit`.
    mutating func turn(to next: Address?, news: Int, bytes: Int, _ session: RegistrySession) throws -> Address? {
        self.bytes += bytes
        withoutNews = news > 0 ? 0 : withoutNews + 1
        guard let next else { return nil }
        guard self.bytes <= Self.byteLimit else {
            throw StreamError.limit("\(name) is a list of more than \(Self.byteLimit >> 20) MiB: it has no end")
        }
        guard withoutNews < 3, seen.insert(next).inserted else {
            session.remark("\(name): its pages lead in circles, so the list may not be complete")
            return nil
        }
        return next
    }
}

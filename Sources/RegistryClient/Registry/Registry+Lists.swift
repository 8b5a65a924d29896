import ByteStreams
import ImageModel
import NIOHTTP1

extension Registry {
    /// The tags of a repository, sorted; what is no tag is left out with a remark.
    ///
    /// - Parameter pages: to look at, at most: for a hint, one will do.
    /// - Throws: `ImageError.notFound` if there is no such repository.
    func tags(in repository: String, pages: Int = .max) throws -> [String] {
        let request = RegistryRequest(
            method: .GET, path: "\(repository)/tags/list", repository: repository, scope: .pull(repository),
            action: "list the tags", expects: [404])
        let all = try list(request, pages: pages, member: "tags")
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
            let all = try list(request, pages: .max, member: "repositories")
            let names = all.filter { ImageName.isRepository($0) }
            if let bad = all.first(where: { !ImageName.isRepository($0) }) {
                session.remark(
                    "\(host): left out \(all.count - names.count) entries of the catalog that name no repository: "
                        + RegistryProblem.short(session.secrets.redact(bad)))
            }
            return names
        } catch let error as ImageError {
            guard var failure = error.request, failure.redirectedTo == nil,
                [401, 403, 404, 405, 501].contains(failure.status)
            else { throw error }
            let advice = "many registries list their repositories to nobody; name one: docker://\(host)/REPOSITORY"
            // With a wrong password, nothing is known of the list.
            if failure.status == 401 {
                if !failure.refusesAccount {
                    failure.advice = [failure.advice, advice].compactMap { $0 }.joined(separator: "; ")
                }
            } else {
                failure.advice = advice
            }
            throw failure.error
        }
    }

    /// Reads one member of a paged list as a stream, and skips the rest of each page. Google's registries put every
    /// manifest of a repository beside the tags.
    private func list(_ request: RegistryRequest, pages limit: Int, member: String) throws -> [String] {
        let name = "\(host): \(request.path)"
        var request = request
        var all: Set<String> = []
        var pages = Pages(name)
        for _ in 0..<limit {
            let page: (items: [String], next: Address?)
            do {
                page = try self.page(request) { answer in
                    (try items(of: member, in: answer, name: name, pages), try answer.nextPage)
                }
            } catch let error as ImageError where !pages.isFirst && error.request?.status != nil {
                throw ImageError.invalidDocument("\(name): incomplete list: \(error)")
            }
            let before = all.count
            all.formUnion(page.items)
            guard let next = try pages.turn(to: page.next, items: page.items, news: all.count - before) else { break }
            request.address = next
            // What was promised has to be there.
            request.expects = []
        }
        return all.sorted()
    }

    /// Reads one page. The path in a Link may be one that the registry has on the inside alone: then the query counts, at
    /// the place where the list began. Sources: sonatype/nexus-public#1011, Artifactory's RTFACT-18971.
    private func page(
        _ request: RegistryRequest, _ read: (HTTPAnswer) throws -> (items: [String], next: Address?)
    ) throws -> (items: [String], next: Address?) {
        do {
            return try session.send(request) { answer in
                guard answer.status != 404 else {
                    let words = RegistryProblem.short(session.secrets.redact(RegistryProblem(answer).text))
                    throw ImageError.notFound(
                        "\(host) has no repository \(request.repository ?? "")" + (words.isEmpty ? "" : " (\(words))"))
                }
                return try read(answer)
            }
        } catch let error as ImageError where [400, 401, 403, 404].contains(error.request?.status) {
            guard let given = request.address,
                let start = try session.base().resolving("v2/" + request.path)?.withQuery(of: given), start != given
            else { throw error }
            var request = request
            request.address = start
            return try session.send(request, read)
        }
    }

    /// The texts in the array that is a member of an answer's object; the rest of it is skipped.
    func items(of member: String, in answer: HTTPAnswer, name: String, _ pages: Pages) throws -> [String] {
        var reader = DocumentReader(
            LimitedSource(try answer.content(name: name), limit: Pages.answerLimit, of: pages), name: name)
        var items: [String] = []
        var bytes = 0
        try reader.object { reader, key in
            guard try key == member && !reader.takesNull() else {
                if key != member { try reader.skip() }
                return true
            }
            try reader.array(of: String.self) { item in
                bytes += item.utf8.count
                try pages.check(bytes)
                items.append(item)
            }
            return true
        }
        try reader.expectEnd()
        return items
    }
}

/// Guards against lists that lead nowhere or have no end. A list that is cut off is an error, since nobody would see what
/// is missing from it.
struct Pages {
    /// Bytes of one answer, of which most may be of no interest.
    static let answerLimit = 256 << 20
    /// Bytes of all entries.
    private let byteLimit: Int
    /// Pages that bring nothing new, one after the other. A catalog may be filtered by what the account may see.
    private static let barrenLimit = 1_000
    private let countLimit: Int
    /// Of the list, for messages.
    let name: String
    /// Hashes of the addresses so far: an address may be as long as a header.
    private var seen: Set<Int> = []
    private let isWanted: () -> Bool
    private var bytes = 0
    private var barren = 0

    /// Whether no other page was there yet.
    var isFirst: Bool { seen.isEmpty }

    /// - Parameters:
    ///   - limit: bytes of all entries.
    ///   - pages: at most.
    ///   - isWanted: whether anybody still waits for the list.
    init(
        _ name: String, limit: Int = 64 << 20, pages: Int = 1_000_000, isWanted: @escaping () -> Bool = { true }
    ) {
        self.name = name
        byteLimit = limit
        countLimit = pages
        self.isWanted = isWanted
    }

    /// - Throws: `CancellationError` if nobody waits for the list.
    func checkIsWanted() throws {
        guard isWanted() else { throw CancellationError() }
    }

    /// - Parameter more: bytes of entries beside those of the pages so far.
    /// - Throws: `ImageError.limit`.
    func check(_ more: Int) throws {
        guard bytes + more <= byteLimit else {
            throw ImageError.limit("\(name): more than \(byteLimit >> 20) MiB of entries; the list has no end")
        }
    }

    /// - Returns: the page to go on with; nil at the end.
    /// - Throws: `ImageError.limit`, and `ImageError` if a page links back to an earlier one.
    mutating func turn(to next: Address?, items: [String], news: Int) throws -> Address? {
        try turn(to: next, bytes: items.reduce(0) { $0 + $1.utf8.count }, news: news)
    }

    /// - Parameter more: bytes of the page's entries.
    mutating func turn(to next: Address?, bytes more: Int, news: Int) throws -> Address? {
        try check(more)
        try checkIsWanted()
        bytes += more
        barren = news > 0 ? 0 : barren + 1
        guard let next else { return nil }
        guard barren < Self.barrenLimit else {
            throw ImageError.limit("\(name): \(barren) pages without a new entry; the list has no end")
        }
        guard seen.count < countLimit else {
            throw ImageError.limit("\(name): more than \(countLimit) pages; the list has no end")
        }
        guard seen.insert(next.hashValue).inserted else {
            throw ImageError.invalidDocument("\(name): incomplete list: a page links back to an earlier page")
        }
        return next
    }
}

/// Fails where an answer has more bytes than it may have, and ends when nobody waits for the list.
final class LimitedSource: ByteSource {
    private let upstream: any ByteSource
    private let limit: Int
    private let pages: Pages
    /// Bytes that were read.
    private(set) var count = 0

    /// - Parameters:
    ///   - limit: bytes.
    ///   - pages: of the list.
    init(_ upstream: any ByteSource, limit: Int, of pages: Pages) {
        self.upstream = upstream
        self.limit = limit
        self.pages = pages
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        try pages.checkIsWanted()
        let got = try upstream.read(into: buffer)
        count += got
        guard count <= limit else {
            throw ImageError.limit("\(pages.name): an answer of more than \(limit >> 20) MiB")
        }
        return got
    }
}

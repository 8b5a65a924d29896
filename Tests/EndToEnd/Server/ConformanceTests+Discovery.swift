import Foundation
import ImageModel
import Testing

/// Rules for listing tags.
extension ConformanceRow {
    private static let names = ["0.9", "1.10", "1.2", "Alpha", "_first", "beta", "latest"]

    /// A repository with seven tags, pushed in no order.
    private static func tagged(_ store: ConformanceStore) throws -> String {
        let image = try store.push(as: "latest")
        for tag in names.reversed().dropFirst() { try store.put(image.manifest, image.type, as: tag) }
        return "/v2/\(store.name)/tags/list"
    }

    /// Either of the two orders that are allowed.
    private static func isOrdered(_ tags: [String]) -> Bool {
        tags == tags.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
            || tags.map { $0.lowercased() } == tags.map { $0.lowercased() }.sorted()
    }

    static let tags: [ConformanceRow] = [
        ConformanceRow("tags-01", "Listing tags", .must, "list the tags of a repository with 200") { store throws in
            let answer = try store.api.get(tagged(store))
            #expect(answer.status == 200 && Set(answer.strings("tags") ?? []) == Set(names))
        },
        ConformanceRow(
            "tags-02", "Listing tags", .must, "give JSON of a name and tags, also where there are none",
            original: "says null where there are none"
        ) { store throws in
            let image = try store.push()
            let target = "/v2/\(store.name)/tags/list"
            let full = try store.api.get(target)
            #expect(Set(full.object.keys) == ["name", "tags"] && full.object["name"] as? String == store.name)
            #expect(try store.api.delete(store.manifest(image.digest)).status == 202)
            let empty = try store.api.get(target)
            #expect(empty.status == 200 && empty.strings("tags") == [] && empty.object["name"] as? String == store.name)
        },
        ConformanceRow("tags-03", "Listing tags", .must, "sort the tags", original: "does not sort") { store throws in
            #expect(isOrdered(try #require(try store.api.get(tagged(store)).strings("tags"))))
        },
        ConformanceRow(
            "tags-04", "Listing tags", .must, "give as many as asked for, from the first on", original: "ignores n"
        ) { store throws in
            let target = try tagged(store)
            let all = try #require(try store.api.get(target).strings("tags"))
            for count in [1, 3, 7] {
                #expect(try store.api.get("\(target)?n=\(count)").strings("tags") == Array(all.prefix(count)))
            }
        },
        ConformanceRow("tags-05", "Listing tags", .must, "give fewer than asked for only at the end or with a Link") {
            store throws in
            let answer = try store.api.get("\(tagged(store))?n=100")
            #expect(answer.strings("tags")?.count == 7 || answer.next != nil)
        },
        ConformanceRow(
            "tags-06", "Listing tags", .must, "link to the next page in the one form there is", original: "ignores n"
        ) { store throws in
            var target: String? = "\(try tagged(store))?n=3"
            var (pages, tags): (Int, [String]) = (0, [])
            while let next = target, pages < 10 {
                let answer = try store.api.get(next)
                #expect(answer["link"] == nil || answer.next != nil, "\(answer["link"] ?? "")")
                tags += answer.strings("tags") ?? []
                (target, pages) = (answer.next, pages + 1)
            }
            #expect(pages >= 3 && Set(tags) == Set(names) && isOrdered(tags) && tags.count == 7)
        },
        ConformanceRow(
            "tags-07", "Listing tags", .must, "give nothing, and no Link, where none are asked for",
            original: "ignores n"
        ) { store throws in
            let answer = try store.api.get("\(tagged(store))?n=0")
            #expect(answer.status == 200 && answer.strings("tags") == [] && answer["link"] == nil)
        },
        ConformanceRow(
            "tags-08", "Listing tags", .must, "go on after the tag that was the last", original: "ignores last"
        ) { store throws in
            let target = try tagged(store)
            let all = try #require(try store.api.get(target).strings("tags"))
            for (index, tag) in all.enumerated() {
                let answer = try store.api.get("\(target)?n=2&last=\(tag)")
                #expect(answer.strings("tags") == Array(all[(index + 1)...].prefix(2)), "\(tag)")
            }
        },
        ConformanceRow(
            "tags-09", "Listing tags", .must, "go on after the last tag with no number given", original: "ignores last"
        ) { store throws in
            let target = try tagged(store)
            let all = try #require(try store.api.get(target).strings("tags"))
            #expect(try store.api.get("\(target)?last=\(all[3])").strings("tags") == Array(all[4...]))
        },
        ConformanceRow("tags-10", "Listing tags", .should, "answer 404 for a repository that is not there") {
            store throws in
            #expect(try store.api.get("/v2/\(store.name)/tags/list").status == 404)
        },
    ]
}

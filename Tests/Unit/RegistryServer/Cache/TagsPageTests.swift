import RegistryServer
import Testing

struct TagsPageTests {
    private func pages(_ all: [String], _ count: Int?) -> [[String]] {
        var pages: [[String]] = []
        var request: TagsRequest? = TagsRequest(count: count)
        while let current = request {
            let page = TagsPage(of: all, current)
            pages.append(page.tags)
            request = page.next
        }
        return pages
    }

    @Test func listsAreCutIntoPages() {
        let all = ["a", "b", "c", "d", "e"]
        #expect(pages(all, nil) == [all])
        #expect(pages(all, 2) == [["a", "b"], ["c", "d"], ["e"]])
        #expect(pages(all, 5) == [all])
        #expect(pages(all, 0) == [[]])
        #expect(pages([], 2) == [[]])
        #expect(TagsPage(of: all, TagsRequest(last: "bb")).tags == ["c", "d", "e"])
    }

    /// Links of distribution, Quay, ECR and GitHub.
    @Test(
        arguments: [
            ("last=v1&n=50", "last=v1 n=50"), ("next_page=gAAAA%3D%3D", "next_page=gAAAA=="),
            ("n=10&last=a%2Bb+c%2F%3D", "last=a+b+c/= n=10"), ("last=&n=1", "last= n=1"),
            ("n=x&last=1", "last=1"), ("n=5&ns=docker.io&next_page=2&last=b", "last=b n=5 next_page=2 ns=docker.io"),
        ])
    func linksOfRegistriesAreRead(_ query: String, _ expected: String) throws {
        let request = try #require(TagsRequest(linkQuery: query))
        #expect(request.parameters.map { "\($0.name)=\($0.value)" }.joined(separator: " ") == expected)
        // A client sends them back as they are.
        let back = TagsRequest(Query(query.replacing("+", with: "%2B")), count: request.count)
        #expect(back.last == request.last && back.others["next_page"] == request.others["next_page"])
        #expect(back.others["ns"] == nil)
    }

    @Test(arguments: ["", "&", "last=%zz", "n=x"])
    func linksThatSayNothingAreTheLast(_ query: String) {
        #expect(TagsRequest(linkQuery: query) == nil)
    }
}

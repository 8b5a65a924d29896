import RegistryClient
import Testing

struct AddressTests {
    /// RFC 3986, section 5.4, as far as registries make use of it.
    @Test(
        arguments: [
            ("/v2/a/blobs/uploads/u?_state=s", "https://r:5000/v2/a/blobs/uploads/u?_state=s"),
            ("u?x=1", "https://r:5000/v2/a/u?x=1"), ("../u", "https://r:5000/v2/u"),
            ("//other/x", "https://other/x"), ("http://other:81/x?y", "http://other:81/x?y"),
            ("?n=1", "https://r:5000/v2/a/b?n=1"),
        ])
    func locationsAreResolved(_ reference: String, _ expected: String) throws {
        let base = try #require(Address("https://r:5000/v2/a/b?c=d"))
        #expect(base.resolving(reference)?.text == expected)
    }

    /// Escapes stay as they are, and only what has no place in a URL is escaped.
    @Test(
        arguments: [
            ("/s?Signature=fQ%2Frq%2B%3D%3D&name=\"a|b.txt\"", "/s?Signature=fQ%2Frq%2B%3D%3D&name=%22a%7Cb.txt%22"),
            ("/a b/%7euser?x=%e2%82%ac&y=ü", "/a%20b/%7euser?x=%e2%82%ac&y=%C3%BC"),
            ("/100%/[1]?p=50%&q=%4", "/100%25/%5B1%5D?p=50%25&q=%254"),
            ("/x%2Fy?a=b%20c#f%2Fg h", "/x%2Fy?a=b%20c"),
            ("https://other:81/x?{a}=^`<>\\", "/x?%7Ba%7D=%5E%60%3C%3E%5C"),
            ("http://[::1]:5000/v2/?last=[a]", "/v2/?last=%5Ba%5D"),
        ])
    func escapesStay(_ reference: String, _ expected: String) throws {
        let address = try #require(Address("https://r/v2/")?.resolving(reference))
        #expect(address.target == expected)
        #expect(Address(address.text) == address)
        #expect(
            address.adding([("digest", "d")]).target == expected + (expected.contains("?") ? "&" : "?") + "digest=d")
    }

    @Test(arguments: [
        "file:///etc/passwd", "ftp://x/", "https://", "https://user:pass@x/", "nonsense", "", "http://a:65536/",
        "http://..%2f..%2fetc/x", "http://a%20b/", "http://a b/", "http://a%0d%0ab/", "http://%31/", "http://a..b/",
        "http://@x/", "http://:pass@x/", "http://[::1%25lo]/", "http://a%00/", "http://a\\b/", "http://[a/b]/",
    ])
    func othersAreNone(_ text: String) {
        #expect(Address(text) == nil)
        guard text.hasPrefix("http") else { return }
        #expect(Address("https://r/v2/")?.resolving(text) == nil)
    }

    @Test func queriesGrow() throws {
        let address = try #require(Address("https://r/u?_state=a%3Db"))
        #expect(address.adding([("digest", "sha256:ab")]).text == "https://r/u?_state=a%3Db&digest=sha256%3Aab")
        #expect(try #require(Address("https://r/u")).adding([("a", "b c")]).text == "https://r/u?a=b%20c")
    }

    /// What follows a `#` is not sent: nothing may be added behind it.
    @Test func fragmentsAreDropped() throws {
        let address = try #require(Address("https://r/u?a=b#c"))
        #expect(address.adding([("digest", "d")]).target == "/u?a=b&digest=d")
    }

    @Test func originsAreCompared() throws {
        let one = try #require(Address("https://R/x"))
        #expect(one.hasSameOrigin(as: try #require(Address("https://r:443/y"))))
        #expect(!one.hasSameOrigin(as: try #require(Address("http://r/x"))))
        #expect(one.origin == "https://r")
    }
}

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

    @Test(arguments: [
        "file:///etc/passwd", "ftp://x/", "https://", "https://user:pass@x/", "nonsense", "", "http://a:65536/",
    ])
    func othersAreNone(_ text: String) {
        #expect(Address(text) == nil)
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

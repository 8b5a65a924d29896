import ObjectStorage
import Testing

struct StorageTextTests {
    @Test func readsDates() {
        #expect(HTTPTime.parse("Sun, 06 Nov 1994 08:49:37 GMT") == 784_111_777)
        #expect(HTTPTime.parse("Sun, 6 Nov 1994 08:49:37 GMT") == 784_111_777)
        for text in ["", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 46 Nov 1994 08:49:37 GMT"]
        {
            #expect(HTTPTime.parse(text) == nil, "\(text)")
        }
    }

    @Test func encodesKeys() {
        #expect(KeyEncoding.path("a/b c/d+e/ü/~_-.") == "a/b%20c/d%2Be/%C3%BC/~_-.")
        #expect(KeyEncoding.path("a//b/../c/") == "a//b/../c/")
        #expect(KeyEncoding.decode("a/b+c%2B%C3%BC") == "a/b c+ü")
        for text in ["%", "%4", "%zz", "%ff"] { #expect(KeyEncoding.decode(text) == nil, "\(text)") }
    }

    @Test func readsProfileFiles() {
        let file = INIFile(
            """
            # comment
            [default]
            region = eu-central-1 # where it is
            s3 =
                addressing_style = path
            key=a#b=c
            [profile  other]
            ; comment
            Region=us-east-1
            broken line
            """)
        #expect(file.sections["default"]?["region"] == "eu-central-1")
        #expect(file.sections["default"]?["s3.addressing_style"] == "path")
        #expect(file.sections["default"]?["key"] == "a#b=c")
        #expect(file.sections["profile other"] == ["region": "us-east-1"])
    }

    @Test(arguments: [
        ("https://s3.example.org", "https://s3.example.org", 443),
        ("http://LOCALHOST:9000/", "http://localhost:9000", 9000),
        ("http://[::1]:80", "http://[::1]", 80), ("https://h:443/a/b/", "https://h", 443),
    ])
    func readsAddresses(_ text: String, _ origin: String, _ port: Int) throws {
        let address = try #require(ServerAddress(text))
        #expect(address.origin == origin && address.port == port)
    }

    @Test(arguments: [
        "", "s3.example.org", "ftp://h", "http://", "http://h:0", "http://h:65536", "http://h:a", "http://user:pw@h",
        "http://h?x",
        "http://h#x", "http://h h", "http://a:1:2", "http://[::1", "http://[::1]x", "http://h/\u{1}", "http://ü",
    ])
    func refusesAddresses(_ text: String) { #expect(ServerAddress(text) == nil) }
}

import ImageModel
import Testing

struct ImageNameTests {
    @Test(
        arguments: [
            ("alpine", nil, "alpine", nil), ("alpine:3.10", nil, "alpine", "3.10"),
            ("host:5000/a/b:c", "host:5000", "a/b", "c"), ("localhost/x", "localhost", "x", nil),
            ("docker.io/library/a:1", "docker.io", "library/a", "1"), ("library/a:1", nil, "library/a", "1"),
        ] as [(String, String?, String, String?)])
    func parses(_ text: String, _ host: String?, _ repository: String, _ tag: String?) throws {
        let name = try #require(ImageName(text))
        #expect(name == ImageName(host: host, repository: repository, tag: tag))
        #expect(name.description == text)
    }

    @Test(arguments: [
        "", "UPPER", "a//b", "a:", "a:b:c", "a/_b", "a..b", "-a", "a-", "a___b", "a/../b", "a:../b", "a b",
    ])
    func refuses(_ text: String) { #expect(ImageName(text) == nil) }

    @Test(arguments: [
        ("docker.io/library/a:1", "a:1"), ("docker.io/b/c:1", "b/c:1"), ("library/a:1", "library/a:1"),
        ("docker.io/a.b/c:1", "docker.io/a.b/c:1"), ("docker.io/library/a/b:1", "library/a/b:1"),
        ("quay.io/library/a:1", "quay.io/library/a:1"),
    ])
    func familiarNames(_ text: String, _ expected: String) throws {
        #expect(try #require(ImageName(text)).familiar.description == expected)
    }

    @Test(arguments: [
        ("/tmp/My App.tar.gz", "my-app"), ("x.tgz", "x"), ("plain", "plain"), ("a_b.c.tar", "a_b.c"),
        ("--.tar", "image"),
        ("Ünïcode.tar", "n-code"),
    ])
    func repositoriesFromFiles(_ path: String, _ expected: String) {
        let name = ImageName.repository(fromFile: path)
        #expect(ImageName.isRepository(name))
        #expect(ImageName.isRepository(ImageName.repository(fromFile: String(repeating: "a", count: 254) + "-b")))
        if expected != "n-code" { #expect(name == expected) }
    }

    @Test func fallbackTags() throws {
        let digest = Digest(of: [])
        let tag = "sha256-\(digest.hex)"
        for suffix in ["", ".sig", ".att", ".sbom"] {
            #expect(ImageName.tag(tag + suffix, refersTo: digest))
            #expect(ImageName.referredDigest(byTag: tag + suffix) == tag)
        }
        #expect(!ImageName.tag(tag + ".other", refersTo: digest))
        #expect(ImageName.referredDigest(byTag: "latest") == nil)
    }
}

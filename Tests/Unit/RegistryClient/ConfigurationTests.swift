import AsyncHTTPClient
import ImageModel
import ImageTransfer
import NIOHTTP1
import RegistryClient
import Testing

struct ConfigurationTests {
    @Test(
        arguments: [
            ("https://reg.example/x", "p:3128"), ("http://reg.example/x", "h:80"), ("https://in.corp/x", nil),
            ("https://a.in.corp/x", nil), ("https://notin.corp/x", "p:3128"), ("https://10.1.2.3/x", nil),
            ("https://11.1.2.3/x", "p:3128"), ("https://localhost:5000/", nil), ("https://127.0.0.1/", nil),
            ("https://x.localhost/", "p:3128"),
            ("https://port.example:8443/", nil), ("https://port.example/", "p:3128"), ("https://x.dot.example/", nil),
        ] as [(String, String?)])
    func proxiesAreChosen(_ url: String, _ expected: String?) throws {
        let environment = [
            "HTTPS_PROXY": "http://user:p%40ss@p:3128", "http_proxy": "h",
            "NO_PROXY": "in.corp, 10.0.0.0/8,port.example:8443,.dot.example",
        ]
        let proxy = try ProxySettings { environment[$0] }.proxy(for: try #require(Address(url)))
        #expect(proxy.map { "\($0.host):\($0.port)" } == expected)
    }

    @Test(
        arguments: [
            ("fd00::1", "https://[fd00::1]/", true), ("[fd00::1]", "https://[fd00:0::1]:5000/", true),
            ("[fd00::1]:5000", "https://[fd00::1]:5000/", true), ("[fd00::1]:5000", "https://[fd00::1]:5001/", false),
            ("fd00::/8", "https://[fdab::9]:5000/", true), ("fd00::/8", "https://[fe80::1]/", false),
            ("2001:db8::/33", "https://[2001:db8:7fff::]/", true),
            ("2001:db8::/33", "https://[2001:db8:8000::]/", false),
            ("10.0.0.0/8", "https://[::ffff:10.1.2.3]/", true), ("fd00::/8", "https://10.1.2.3/", false),
            ("10.1.2.3:5000", "https://10.1.2.3:5000/", true), ("10.1.2.3:5000", "https://10.1.2.3/", false),
            ("10.1.2.0/23", "https://10.1.3.255/", true), ("10.1.2.0/23", "https://10.1.4.0/", false),
            ("0.0.0.0/0", "https://1.2.3.4/", true), ("10.0.0.0/33", "https://10.0.0.1/", false),
            ("*.corp", "https://a.corp/", true), ("*.corp:444", "https://a.corp/", false),
            ("1.2.3.4", "https://x1.2.3.4.example/", false), ("corp", "https://registry.corp./", true),
            ("*", "https://[2001:db8::1]/", true),
        ])
    func exceptionsOfProxies(_ exception: String, _ url: String, _ isException: Bool) throws {
        let environment = ["HTTPS_PROXY": "http://p", "NO_PROXY": "other, \(exception)"]
        let proxy = try ProxySettings { environment[$0] }.proxy(for: try #require(Address(url)))
        #expect((proxy == nil) == isException)
    }

    @Test(
        arguments: [
            ("https://p", "p:443"), ("https://u:pw@p:8443/", "p:8443"), ("http://p", "p:80"), ("p:3128", "p:3128"),
            ("socks5://p", "p:1080"), ("socks5h://p:80", "p:80"), ("socks5h://[fd00::1]", "fd00::1:1080"),
            ("http://[fd00::1]:3128", "fd00::1:3128"),
        ])
    func proxiesHaveTheirUsualPorts(_ proxy: String, _ expected: String) throws {
        let found = try ProxySettings { ["HTTPS_PROXY": proxy][$0] }.proxy(for: try #require(Address("https://x/")))
        #expect(found.map { "\($0.host):\($0.port)" } == expected)
    }

    @Test(arguments: ["socks4://p:1", "ftp://p", "https://"]) func proxiesOfOtherKindsAreRefused(_ proxy: String) throws
    {
        let settings = ProxySettings { ["HTTPS_PROXY": proxy][$0] }
        #expect(throws: ImageError.self) { try settings.proxy(for: try #require(Address("https://x/"))) }
    }

    @Test(
        arguments: [
            ("0.1.2.3", true), ("10.255.0.1", true), ("11.0.0.1", false), ("100.63.255.255", false),
            ("100.127.1.1", true),
            ("127.1.2.3", true), ("169.254.169.254", true), ("172.15.0.1", false), ("172.31.0.1", true),
            ("172.32.0.1", false), ("192.168.3.4", true), ("168.63.129.16", true), ("168.63.129.17", false),
            ("192.169.0.1", false), ("198.19.0.1", true),
            ("198.51.100.7", false), ("224.0.0.1", true), ("255.255.255.255", true), ("8.8.8.8", false), ("::", true),
            ("::1", true), ("::10.0.0.1", true), ("::ffff:10.0.0.1", true), ("::ffff:8.8.8.8", false),
            ("64:ff9b::10.0.0.1", true), ("64:ff9b::8.8.8.8", false), ("64:ff9b:1::1", true), ("2002:0a00:1::", true),
            ("2002:0808:0808::", false), ("fc00::1", true), ("fd00:ec2::254", true), ("fe80::1", true),
            ("fec0::1", true), ("ff02::1", true), ("2001:db8::1", false), ("2606:4700::1", false),
        ])
    func internalAddresses(_ text: String, _ isInternal: Bool) throws {
        #expect(try #require(IPAddress(text)).isInternal == isInternal)
    }

    @Test func registriesFiles() throws {
        var file = RegistriesFile()
        try file.add(
            """
            unqualified-search-registries = ["docker.io"]
            [[registry]]
            location = "docker.io"
            [[registry.mirror]]
            location = "mirror:5000/hub"
            insecure = true
            pull-from-mirror = "digest-only"
            [[registry]]
            prefix = "docker.io/team"
            location = "internal/team"
            [[registry]]
            prefix = "*.bad.example"
            blocked = true
            """, name: "it")
        let hub = try #require(file.entry(for: "docker.io/library/alpine"))
        #expect(hub.mirrors.map(\.location) == ["mirror:5000/hub"])
        #expect(hub.mirrors[0].isInsecure && hub.mirrors[0].onlyDigests)
        #expect(file.entry(for: "docker.io/team/app")?.place.location == "internal/team")
        #expect(file.entry(for: "docker.io/teams")?.prefix == "docker.io")
        #expect(file.entry(for: "x.bad.example/y")?.isBlocked == true)
        #expect(file.entry(for: "quay.io/x") == nil)
    }

    @Test func registriesFilesOfVersion1() throws {
        var file = RegistriesFile()
        try file.add(
            """
            [registries.search]
            registries = ['docker.io', 'quay.io']
            [registries.insecure]
            registries = ['old.example:5000/']
            [registries.block]
            registries = ['bad.example', 'old.example:5000/team']
            """, name: "it")
        #expect(file.entry(for: "bad.example/a/b")?.isBlocked == true)
        #expect(file.entry(for: "bad.examples/a") == nil && file.entry(for: "docker.io/a") == nil)
        let old = try #require(file.entry(for: "old.example:5000/app"))
        #expect(old.place.isInsecure && !old.isBlocked && old.place.location == "old.example:5000")
        #expect(file.entry(for: "old.example:5000/team/app")?.isBlocked == true)
        // What version 2 says of the same registry stays.
        try file.add("[[registry]]\nlocation = 'new.example'\n[[registry.mirror]]\nlocation = 'm'\n", name: "two")
        try file.add("[registries.block]\nregistries = ['new.example']\n", name: "three")
        let new = try #require(file.entry(for: "new.example/app"))
        #expect(new.isBlocked && new.mirrors.map(\.location) == ["m"])
        #expect(throws: ImageError.self) { try file.add("[registries.block]\nregistries = 'x'\n", name: "it") }
    }

    @Test(
        arguments: [
            (["</v2/_catalog?n=2&last=a>; rel=\"next\""], "https://r:5000/v2/_catalog?n=2&last=a"),
            (["<http://registry.internal/v2/_catalog?last=a>; rel=next"], "https://r:5000/v2/_catalog?last=a"),
            (["<//other:81/v2/_catalog?last=a>; REL=\"Next\""], "https://r:5000/v2/_catalog?last=a"),
            (
                ["</v2/a>; rel=\"prev\", </v2/_catalog?last=a,b>; title=\"x, y\"; rel=\"last next\""],
                "https://r:5000/v2/_catalog?last=a,b"
            ),
            (["</v2/a>; rel=prev", "</v2/b>; rel=next"], "https://r:5000/v2/b"),
            (["/v2/_catalog?last=a; rel=\"next\""], "https://r:5000/v2/_catalog?last=a"),
            (["<?next_page=gAAA%3D%3D&n=50>"], "https://r:5000/v2/_catalog?next_page=gAAA%3D%3D&n=50"),
            (["</v2/a>; rel=\"prev\""], nil), ([], nil), ([", ,"], nil),
        ] as [([String], String?)])
    func nextPages(_ links: [String], _ expected: String?) throws {
        let address = try #require(Address("https://r:5000/v2/_catalog"))
        let headers = HTTPHeaders(links.map { ("Link", $0) })
        #expect(try headers.nextPage(from: address)?.text == expected)
    }

    @Test(arguments: ["<ftp://r/x>; rel=\"next\"", "<http://a:99999/>; rel=next"])
    func nextPagesThatCannotBeAskedForAreErrors(_ link: String) throws {
        let address = try #require(Address("https://r:5000/v2/_catalog"))
        #expect(throws: ImageError.self) { try HTTPHeaders([("Link", link)]).nextPage(from: address) }
    }

    /// As `base64` and `echo` of the shell make them.
    @Test(arguments: [
        "dXNlcjpwYXNzd29yZA==", "dXNlcjpw\nYXNzd29y\r\nZA==\n", "dXNlcjpwYXNzd29yZA", "dXNlcjpwYXNzd29yZAo=",
    ])
    func encodedCredentials(_ auth: String) throws {
        let text = try Document.encode(["auths": ["r": ["auth": auth]]])
        let file = try CredentialFile(text, path: "it")
        #expect(file.entries["r"] == .password(user: "user", password: "password"))
    }

    @Test func brokenRegistriesFilesAreNamed() throws {
        var file = RegistriesFile()
        #expect(throws: ImageError.self) { try file.add("[[registry]\n", name: "it") }
        #expect(throws: ImageError.self) { try file.add("[[registry]]\ninsecure = true\n", name: "it") }
    }

    @Test(
        arguments: [
            ("https://index.docker.io/v1/", "docker.io"), ("http://reg:5000/v2/", "reg:5000"), ("reg/a/b", "reg/a/b"),
            ("reg:5000/v1", "reg:5000"), ("reg/a/v1", "reg/a/v1"), ("reg:5000/a/v2/", "reg:5000/a/v2"),
            ("https://reg/", "reg"), ("registry-1.docker.io/x", "docker.io/x"),
        ])
    func keysOfCredentials(_ key: String, _ expected: String) {
        #expect(CredentialFile.normal(key) == expected)
    }

    @Test func retryAfterInBothForms() {
        #expect(HTTPHeaders([("Retry-After", "7")]).retryAfter == .seconds(7))
        #expect(HTTPHeaders([("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT")]).retryAfter == .zero)
        #expect((HTTPHeaders([("Retry-After", "Fri, 01 Jan 2100 00:00:00 GMT")]).retryAfter ?? .zero) > .seconds(1000))
        #expect(HTTPHeaders([("Retry-After", "soon")]).retryAfter == nil)
        #expect(HTTPHeaders([("Retry-After", "-1")]).retryAfter == nil)
    }

    @Test func uploadsLearn() {
        let memory = UploadMemory()
        #expect(memory.shape(isKnown: true) == .whole && memory.shape(isKnown: false) == .stream)
        #expect(memory.next(after: .whole, tooLarge: true) == .chunks(UploadMemory.largestChunk))
        #expect(memory.next(after: .chunks(UploadMemory.largestChunk), tooLarge: true) == .chunks(4 << 20))
        #expect(memory.shape(isKnown: true) == .chunks(4 << 20))
        #expect(memory.next(after: .chunks(4 << 20), tooLarge: false) == nil)
        memory.learn(leastChunk: 5 << 20)
        #expect(memory.shape(isKnown: false) == .chunks(5 << 20))
        #expect(memory.next(after: .chunks(5 << 20), tooLarge: true) == nil)
    }
}

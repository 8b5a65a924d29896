import AsyncHTTPClient
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

    @Test func proxiesOfOtherKindsAreRefused() throws {
        let settings = ProxySettings { ["HTTPS_PROXY": "https://p:1"][$0] }
        #expect(throws: TransferError.self) { try settings.proxy(for: try #require(Address("https://x/"))) }
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

    @Test func brokenRegistriesFilesAreNamed() throws {
        var file = RegistriesFile()
        #expect(throws: TransferError.self) { try file.add("[[registry]\n", name: "it") }
        #expect(throws: TransferError.self) { try file.add("[[registry]]\ninsecure = true\n", name: "it") }
    }

    @Test(
        arguments: [
            ("https://index.docker.io/v1/", "docker.io"), ("http://reg:5000/v2/", "reg:5000"), ("reg/a/b", "reg/a/b"),
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

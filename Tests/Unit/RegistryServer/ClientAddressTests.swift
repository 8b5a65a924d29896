import HTTPTypes
import NIOCore
import RegistryServer
import Testing

struct ClientAddressTests {
    private static let proxies = TrustedProxies(ServerConfiguration(storage: .init(root: "/")).http.trustedProxies)

    /// The peer, the headers' fields, and who the client is.
    @Test(
        arguments: [
            ("203.0.113.1", [], "203.0.113.1"),
            // Anybody can write such a header.
            ("203.0.113.1", [("X-Forwarded-For", "198.51.100.7"), ("X-Real-IP", "198.51.100.7")], "203.0.113.1"),
            ("127.0.0.1", [("X-Forwarded-For", "198.51.100.7")], "198.51.100.7"),
            ("10.1.2.3", [("X-Forwarded-For", "198.51.100.7, 192.168.0.1")], "198.51.100.7"),
            // The client's own invention comes first.
            ("172.31.0.1", [("X-Forwarded-For", "192.0.2.66, 198.51.100.7")], "198.51.100.7"),
            ("fd00::1", [("X-Forwarded-For", "192.0.2.66"), ("X-Forwarded-For", "198.51.100.7, ::1")], "198.51.100.7"),
            ("::1", [("X-Forwarded-For", "10.0.0.7, 10.0.0.8")], "10.0.0.7"),
            ("127.0.0.1", [("X-Forwarded-For", "198.51.100.7, unknown")], "127.0.0.1"),
            ("127.0.0.1", [("X-Forwarded-For", "198.51.100.7:55")], "198.51.100.7"),
            ("127.0.0.1", [("X-Forwarded-For", "[2001:db8::7]:55")], "2001:db8::7"),
            ("127.0.0.1", [("Forwarded", "for=192.0.2.66;proto=http, for=\"[2001:db8::7]:55\";by=x")], "2001:db8::7"),
            ("127.0.0.1", [("Forwarded", "for=192.0.2.66"), ("X-Forwarded-For", "198.51.100.7")], "198.51.100.7"),
            ("127.0.0.1", [("X-Real-IP", "198.51.100.7")], "198.51.100.7"),
            ("127.0.0.1", [("X-Real-IP", "_hidden")], "127.0.0.1"),
            ("172.32.0.1", [("X-Forwarded-For", "198.51.100.7")], "172.32.0.1"),
            ("::ffff:10.0.0.1", [("X-Forwarded-For", "198.51.100.7")], "198.51.100.7"),
        ] as [(String, [(String, String)], String)])
    func whoTheClientIs(_ peer: String, _ headers: [(String, String)], _ expected: String) throws {
        var fields = HTTPFields()
        for (name, value) in headers { fields.append(HTTPField(name: try #require(.init(name)), value: value)) }
        let client = Self.proxies.client(peer: try SocketAddress(ipAddress: peer, port: 4711), fields)
        #expect(client.host == expected)
    }

    @Test(
        arguments: [
            ("192.0.2.1", "192.0.2.1", true), ("192.0.2.1", "192.0.2.2", false),
            ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true), ("2001:db8:0:1::1", "2001:db8:0:2::1", false),
            ("::ffff:192.0.2.1", "192.0.2.1", true),
        ])
    func whichAddressesAreOneClient(_ a: String, _ b: String, _ areOne: Bool) throws {
        let shares = try [a, b].map { ClientAddress(peer: try SocketAddress(ipAddress: $0, port: 1)).share }
        #expect((shares[0] == shares[1]) == areOne)
    }

    @Test func nobodyGetsIntoAnothersShareByNamingIt() throws {
        func share(_ peer: String, _ told: String?) throws -> ClientAddress.Share {
            let fields: HTTPFields = told.map { [.init("X-Forwarded-For")!: $0] } ?? [:]
            return Self.proxies.client(peer: try SocketAddress(ipAddress: peer, port: 1), fields).share
        }
        let direct = try share("10.0.0.9", nil)
        let told = try [("127.0.0.2", "10.0.0.9"), ("127.0.0.3", "10.0.0.9"), ("127.0.0.2", "10.0.0.8")].map {
            try share($0, $1)
        }
        #expect(Set(told + [direct]).count == 4)
        #expect(try share("127.0.0.2", "10.0.0.9:80") == told[0])
        // Without configuration, an address in a private network may be a client's, which invents those before.
        #expect(try share("127.0.0.2", "203.0.113.7, 10.0.0.9") == told[0])
    }

    @Test func onlyConfiguredProxiesAreTrusted() throws {
        let proxies = TrustedProxies(["203.0.113.0/24"])
        let fields: HTTPFields = [.init("X-Forwarded-For")!: "192.0.2.66, 203.0.113.9"]
        for (peer, client) in [("203.0.113.1", "192.0.2.66"), ("127.0.0.1", "127.0.0.1"), ("10.0.0.1", "10.0.0.1")] {
            #expect(proxies.client(peer: try SocketAddress(ipAddress: peer, port: 1), fields).host == client)
        }
        // Only a proxy can open a socket file.
        #expect(proxies.client(peer: try SocketAddress(unixDomainSocketPath: "/s"), fields).host == "192.0.2.66")
    }
}

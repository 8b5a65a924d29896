import HTTPTypes
import RegistryServer
import Testing

/// The beginning of `Location`, for a request to `registry.internal:5000` over plain HTTP.
struct PublicAddressTests {
    private func url(
        _ headers: [(String, String)], authority: String? = "registry.internal:5000", isSecure: Bool = false,
        _ configuration: ServerConfiguration.HTTP = .init()
    ) throws -> String {
        var request = HTTPRequest(method: .post, scheme: nil, authority: authority, path: "/v2/")
        for (name, value) in headers {
            request.headerFields.append(HTTPField(name: try #require(HTTPField.Name(name)), value: value))
        }
        return PublicAddress(request, isSecure: isSecure, configuration).url("/v2/a/")
    }

    static let forwarded: [([(String, String)], String)] = [
        ([], "http://registry.internal:5000"),
        ([("X-Forwarded-Proto", "https")], "https://registry.internal:5000"),
        ([("X-Forwarded-Proto", "HTTPS")], "https://registry.internal:5000"),
        // Two proxies: a list, or two lines.
        ([("X-Forwarded-Proto", "https,http")], "https://registry.internal:5000"),
        ([("X-Forwarded-Proto", "https"), ("X-Forwarded-Proto", "http")], "https://registry.internal:5000"),
        ([("X-Forwarded-Proto", ""), ("X-Forwarded-Proto", "https")], "https://registry.internal:5000"),
        ([("X-Forwarded-Proto", ", https")], "https://registry.internal:5000"),
        ([("X-Forwarded-Host", "a.example, b.example")], "http://a.example"),
        ([("X-Forwarded-Host", "a.example:8443"), ("X-Forwarded-Host", "b.example")], "http://a.example:8443"),
        ([("X-Forwarded-Host", "(null), b.example")], "http://b.example"),
        ([("X-Forwarded-Host", "\"a.example\"")], "http://a.example"),
        ([("X-Forwarded-Host", "[2001:db8::1]:5000")], "http://[2001:db8::1]:5000"),
        // Values that no client could follow.
        ([("X-Forwarded-Proto", "wss")], "http://registry.internal:5000"),
        ([("X-Forwarded-Proto", "on"), ("X-Forwarded-Host", "a b")], "http://registry.internal:5000"),
        ([("X-Forwarded-Host", "evil.example/path?")], "http://registry.internal:5000"),
        ([("X-Forwarded-Host", "user@evil.example")], "http://registry.internal:5000"),
        ([("X-Forwarded-Host", "a.example:http")], "http://registry.internal:5000"),
        ([("X-Forwarded-Host", "a.example:70000")], "http://registry.internal:5000"),
        ([("X-Forwarded-Port", "8443")], "http://registry.internal:5000"),
        // RFC 7239.
        ([("Forwarded", "for=10.0.0.1;proto=https;host=a.example")], "https://a.example"),
        (
            [("Forwarded", "For=\"[2001:db8::1]:4711\"; Proto=\"https\"; Host=\"a.example:8443\"")],
            "https://a.example:8443"
        ),
        ([("Forwarded", "for=10.0.0.1, for=10.0.0.2;proto=https, proto=http")], "https://registry.internal:5000"),
        ([("Forwarded", "for=10.0.0.1"), ("Forwarded", "host=a.example")], "http://a.example"),
        ([("Forwarded", "for=\"a,proto=ftp;\";proto=https")], "https://registry.internal:5000"),
        ([("Forwarded", "host=\"a\\.example\"")], "http://a.example"),
        // OpenShift's router adds this beside the others.
        ([("Forwarded", "for=10.0.0.1"), ("X-Forwarded-Proto", "https")], "https://registry.internal:5000"),
        ([("Forwarded", "proto=https"), ("X-Forwarded-Host", "a.example")], "https://a.example"),
        ([("Forwarded", "host=a.example;proto=https"), ("X-Forwarded-Host", "b.example")], "https://a.example"),
        (
            [("Forwarded", "proto=_hidden;host=_unknown/"), ("X-Forwarded-Proto", "https")],
            "https://registry.internal:5000"
        ),
        ([("Forwarded", "for=\"broken;proto=http"), ("Forwarded", "proto=https")], "https://registry.internal:5000"),
    ]

    @Test(arguments: forwarded.indices) func theFirstValidValueCounts(_ index: Int) throws {
        let (headers, expected) = Self.forwarded[index]
        #expect(try url(headers) == "\(expected)/v2/a/", "\(headers)")
    }

    @Test(arguments: [nil, "", "a b", "user@host", "host/path", "[::1", "."]) func itIsRelativeWithoutAnyHost(
        _ authority: String?
    ) throws {
        #expect(try url([], authority: authority) == "/v2/a/")
        #expect(try url([("X-Forwarded-Proto", "https")], authority: authority) == "/v2/a/")
        #expect(try url([("X-Forwarded-Host", "a.example")], authority: authority) == "http://a.example/v2/a/")
    }

    @Test func theConfigurationCountsMore() throws {
        var configuration = ServerConfiguration.HTTP()
        configuration.prefix = "/below/"
        #expect(try url([], isSecure: true, configuration) == "https://registry.internal:5000/below/v2/a/")
        configuration.hasRelativeURLs = true
        #expect(try url([("X-Forwarded-Host", "a.example")], configuration) == "/below/v2/a/")
        configuration.host = "https://public.example"
        #expect(try url([("X-Forwarded-Host", "a.example")], configuration) == "https://public.example/below/v2/a/")
    }
}

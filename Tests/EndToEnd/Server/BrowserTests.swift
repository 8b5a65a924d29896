import Foundation
import Testing

/// Web pages of another origin, in a real Chromium.
struct BrowserTests {
    private let scratch: Scratch
    private let pages: Helper

    init() throws {
        scratch = try Scratch()
        try scratch.write("", to: "pages/favicon.ico")
        pages = try Helper("page-server", [scratch["pages"]])
        try Command.shell("htpasswd -cBb -C 4 \(scratch["htpasswd"]) alice secret")
    }

    private var origin: String { "http://127.0.0.1:\(pages.port)" }

    /// - Parameters:
    ///   - allowed: the origin that the configuration lets in.
    private func server(allowing allowed: String) throws -> Server {
        let headers = [
            "Access-Control-Allow-Origin": "'\(allowed)'", "Access-Control-Allow-Credentials": "'true'",
            "Access-Control-Allow-Methods": "HEAD, GET, OPTIONS, DELETE",
            "Access-Control-Allow-Headers": "Authorization, Accept, Cache-Control",
            "Access-Control-Expose-Headers": "Docker-Content-Digest",
        ].map { "\($0.key): [\($0.value)]" }.joined(separator: ", ")
        return try Server(
            .init(
                http: "headers: {\(headers)}", top: "auth: {htpasswd: {realm: r, path: \(scratch["htpasswd"])}}"),
            in: scratch)
    }

    /// Lets a page send requests one after another.
    ///
    /// - Parameter requests: of JavaScript, each of what `fetch` takes.
    /// Without a login, `credentials` has to be `omit`: Chromium would ask a user for a password.
    ///
    /// - Returns: a line each: status, digest and body, or the error's name.
    private func results(_ requests: [String], at server: Server) throws -> [String] {
        try scratch.write(
            """
            <!DOCTYPE html><html><body><pre id="results"></pre><script>
            const registry = 'http://\(server.address)';
            const login = {Authorization: 'Basic ' + btoa('alice:secret')};
            (async () => {
                const lines = [];
                for (const [path, options] of [\(requests.joined(separator: ", "))]) {
                    try {
                        const answer = await fetch(registry + path, {credentials: 'include', ...options});
                        lines.push([answer.status, answer.headers.get('Docker-Content-Digest'), (await answer.text()).trim()].join(' '));
                    } catch (error) { lines.push(error.name); }
                }
                document.getElementById('results').textContent = lines.join('\\n') + '\\nend';
            })();
            </script></body></html>
            """, to: "pages/page.html")
        let page = try Command.shell(
            """
            HOME=\(scratch.path) timeout 120 chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
            --user-data-dir=\(scratch["profile"]) --virtual-time-budget=30000 --dump-dom \(origin)/page.html
            """)
        let found = page.text.firstMatch(of: /(?s)<pre id="results">(.*?)\nend<\/pre>/)
        let text = try #require(found?.1, "\(page.status) \(page.text) \(page.errors.suffix(2000))")
        return text.replacing("&quot;", with: "\"").split(separator: "\n").map(String.init)
    }

    private func pushHello(to server: Server) throws -> TinyImage {
        let image = TinyImage.hello
        let auth = [("Authorization", "Basic \(Data("alice:secret".utf8).base64EncodedString())")]
        for blob in [image.config, image.layer] {
            let location = try server.request("POST", "/v2/team/app/blobs/uploads/", auth).location
            let answer = try server.request(
                "PUT",
                adding("digest=\(HTTPResponse(version: "", status: 0, headers: [], body: blob).digest)", to: location),
                auth, body: .whole(blob))
            try #require(answer.status == 201, "\(answer.text)")
        }
        let answer = try server.request(
            "PUT", "/v2/team/app/manifests/1", auth + [("Content-Type", image.type)], body: .whole(image.manifest))
        try #require(answer.status == 201, "\(answer.text)")
        return image
    }

    /// What web interfaces for registries do: look whether it is one, list, read, delete.
    @Test func aPageOfAnAllowedOriginReadsAndDeletes() throws {
        let server = try server(allowing: origin)
        let image = try pushHello(to: server)
        let results = try results(
            [
                "['/v2/', {credentials: 'omit'}]", "['/v2/', {headers: login}]",
                "['/v2/_catalog?n=10', {headers: login}]",
                "['/v2/team/app/tags/list', {headers: login}]",
                "['/v2/team/app/manifests/1', {headers: {...login, Accept: '\(image.type)'}, method: 'HEAD'}]",
                "['/v2/team/app/manifests/\(image.digest)', {headers: login, method: 'DELETE'}]",
                "['/v2/team/app/manifests/1', {headers: login}]", "['/v2/no-such/thing', {headers: login}]",
            ], at: server)
        try #require(results.count == 8, "\(results)")
        #expect(results[0].hasPrefix("401 ") && results[0].contains("UNAUTHORIZED"))
        #expect(results[1] == "200  {}")
        #expect(results[2] == "200  {\"repositories\":[\"team/app\"]}")
        #expect(results[3] == "200  {\"name\":\"team/app\",\"tags\":[\"1\"]}")
        #expect(results[4] == "200 \(image.digest) ")
        #expect(results[5].hasPrefix("202 "))
        #expect(results[6].hasPrefix("404 ") && results[6].contains("MANIFEST_UNKNOWN"))
        #expect(results[7].hasPrefix("404 "))
    }

    @Test func aPageOfAnotherOriginLearnsNothing() throws {
        let server = try server(allowing: "http://ui.example")
        #expect(
            try results(["['/v2/_catalog', {headers: login}]", "['/v2/', {credentials: 'omit'}]"], at: server)
                == ["TypeError", "TypeError"])
    }

    /// Without a browser: nothing but the method counts.
    @Test func everyPathAnswersAPreflight() throws {
        let server = try server(allowing: origin)
        let conversation = try HTTPConversation(server.address)
        for path in [
            "/v2/", "/v2", "/v2/_catalog", "/v2/a/tags/list", "/v2/a/manifests/1", "/v2/a/blobs/uploads/",
            "/v2/a/blobs/uploads/some-upload", "/v2/a/blobs/uploads", "/v2/a/referrers/sha256:00", "/v2/NO/manifests/1",
            "/v2/no-such/thing", "/v2/a/blobs/sha256:\(String(repeating: "0", count: 64))",
        ] {
            let answer = try conversation.request(
                "OPTIONS", path,
                [
                    ("Origin", origin), ("Access-Control-Request-Method", "GET"),
                    ("Access-Control-Request-Headers", "authorization"),
                ])
            #expect([200, 204].contains(answer.status), "\(path): \(answer.status)")
            #expect(answer["access-control-allow-origin"] == origin, "\(path)")
            #expect(
                answer.values("access-control-allow-headers") == ["Authorization", "Accept", "Cache-Control"], "\(path)"
            )
            #expect(answer["www-authenticate"] == nil && answer.body.isEmpty, "\(path)")
        }
        #expect(try conversation.request("GET", "/v2/").status == 401)
    }
}

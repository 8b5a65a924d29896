import Foundation
import Testing

/// Case 39: who may, and what the URLs of the answers begin with.
extension CompatibilityCaseTests {
    private func basic(_ account: String) -> [(String, String)] {
        [("Authorization", "Basic \(Data(account.utf8).base64EncodedString())")]
    }

    @Test func case39Passwords() throws {
        let scratch = try Scratch()
        let made = try Command.shell(
            "htpasswd -Bbn user s3cr3t-pass; htpasswd -mbn md5 s3cr3t-pass; htpasswd -sbn sha s3cr3t-pass")
        try scratch.write(made.text, to: "htpasswd")
        let server = try Server(
            .init(top: "auth: {htpasswd: {realm: basic-realm, path: \(scratch["htpasswd"])}}"), in: scratch)
        for headers in [
            [], basic("user:wrong"), basic("nobody:s3cr3t-pass"), basic("md5:s3cr3t-pass"), basic("sha:s3cr3t-pass"),
            [("Authorization", "Basic !")],
        ] {
            let answer = try server.get("/v2/", headers)
            expect(answer, 401, "UNAUTHORIZED")
            #expect(answer["www-authenticate"] == "Basic realm=\"basic-realm\"")
            #expect(answer.errors.first?["message"] as? String == "authentication required")
        }
        let manifest = try server.get("/v2/a/b/manifests/latest")
        let wanted = ["Type": "repository", "Class": "", "Name": "a/b", "Action": "pull"]
        #expect((manifest.errors.first?["detail"] as? [[String: String]])?.contains(wanted) == true)
        let catalog = try server.get("/v2/_catalog")
        let all = (catalog.errors.first?["detail"] as? [[String: String]])?.first ?? [:]
        #expect(all["Type"] == "registry" && all["Name"] == "catalog" && all["Action"] == "*")
        #expect(try server.get("/v2/", basic("user:s3cr3t-pass")).status == 200)
        #expect(try server.get("/v2/_catalog", basic("user:s3cr3t-pass")).status == 200)
        #expect(try server.get("/v2").status == 301)
        // The file may change at any time.
        try scratch.write(try Command.shell("htpasswd -Bbn other s3cr3t-pass").text, to: "htpasswd")
        try Command.shell("touch -d '+2 seconds' \(scratch["htpasswd"])")
        #expect(try server.get("/v2/", basic("other:s3cr3t-pass")).status == 200)
        #expect(try server.get("/v2/", basic("user:s3cr3t-pass")).status == 401)
    }

    @Test func case39Tokens() throws {
        let scratch = try Scratch()
        let tokens = try TokenServer(scratch)
        let server = try Server(.init(top: tokens.settings), in: scratch)
        func challenge(_ answer: HTTPResponse) -> String {
            #expect(answer.status == 401 && answer.codes == ["UNAUTHORIZED"], "\(answer.status) \(answer.text)")
            return answer["www-authenticate"] ?? ""
        }
        let realm = "Bearer realm=\"\(tokens.url)\",service=\"the-registry\""
        #expect(challenge(try server.get("/v2/")) == realm)
        #expect(challenge(try server.get("/v2/_catalog")) == "\(realm),scope=\"registry:catalog:*\"")
        let pull = "\(realm),scope=\"repository:library/hello:pull\""
        for method in ["GET", "HEAD"] {
            let answer = try server.request(method, "/v2/library/hello/manifests/latest")
            #expect(answer.status == 401 && answer["www-authenticate"] == pull)
        }
        for (method, target) in [("PUT", "manifests/1"), ("POST", "blobs/uploads/"), ("PATCH", "blobs/uploads/x")] {
            let text = challenge(try server.request(method, "/v2/library/hello/\(target)"))
            #expect(
                ["pull,push", "push,pull"].contains { text == "\(realm),scope=\"repository:library/hello:\($0)\"" },
                "\(method): \(text)")
        }
        #expect(
            challenge(try server.delete("/v2/library/hello/manifests/1"))
                == "\(realm),scope=\"repository:library/hello:delete\"")
        let mount = challenge(
            try server.request(
                "POST", "/v2/library/hello/blobs/uploads/?mount=\(Self.absent)&from=other/repo"))
        let scopes = mount.firstMatch(of: /scope="([^"]*)"/)?.1.split(separator: " ") ?? []
        #expect(scopes.contains("repository:other/repo:pull") && scopes.count == 2, "\(mount)")

        let bad = challenge(try server.get("/v2/", [("Authorization", "Bearer nonsense")]))
        #expect(bad == "\(realm),error=\"invalid_token\"")
        let token = try tokens.token(scope: "repository:library/hello:pull")
        let headers = [("Authorization", "Bearer \(token)")]
        #expect(try server.get("/v2/", headers).status == 200)
        #expect(try server.get("/v2/library/hello/manifests/latest", headers).status == 404)
        let refused = challenge(try server.request("POST", "/v2/library/hello/blobs/uploads/", headers))
        #expect(
            refused.contains("scope=\"repository:library/hello:pu")
                && refused.hasSuffix(",error=\"insufficient_scope\""))
        let forged = [("Authorization", "Bearer \(token.dropLast(4))AAAA")]
        #expect(challenge(try server.get("/v2/", forged)).hasSuffix("error=\"invalid_token\""))
        let foreign = try tokens.token(scope: "repository:library/hello:pull", service: "another")
        #expect(
            challenge(try server.get("/v2/", [("Authorization", "Bearer \(foreign)")])).hasSuffix(
                "error=\"invalid_token\""))
    }

    /// Settings of `http`, headers of the request, and what the Location begins with; `ADDRESS` is the server's.
    static let locations: [(String, [(String, String)], String)] = [
        ("", [], "http://ADDRESS/v2/"),
        ("", [("Host", "reg.example:5120")], "http://reg.example:5120/v2/"),
        ("relativeurls: true", [("X-Forwarded-Proto", "https")], "/v2/"),
        (
            "host: 'https://reg.example.com'", [("Host", "other"), ("X-Forwarded-Host", "more")],
            "https://reg.example.com/v2/"
        ),
        ("", [("X-Forwarded-Proto", "https")], "https://ADDRESS/v2/"),
        ("", [("X-Forwarded-Host", "a.example, b.example")], "http://a.example/v2/"),
        ("", [("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "a.example:444")], "https://a.example:444/v2/"),
        (
            "", [("Forwarded", "proto=https;host=fwd.example"), ("X-Forwarded-Host", "a.example")],
            "https://fwd.example/v2/"
        ),
        ("", [("Host", "reg.example:5120"), ("X-Forwarded-Port", "99")], "http://reg.example:5120/v2/"),
        ("prefix: /my/", [], "http://ADDRESS/my/v2/"),
    ]

    @Test(arguments: locations.indices) func case39Locations(_ index: Int) throws {
        let (settings, headers, beginning) = Self.locations[index]
        let server = try Server(.init(http: settings))
        let prefix = settings.hasPrefix("prefix") ? "/my" : ""
        let answer = try server.request("POST", "\(prefix)/v2/m/t/blobs/uploads/", headers)
        let wanted = beginning.replacing("ADDRESS", with: server.address) + "m/t/blobs/uploads/"
        #expect(answer.status == 202 && answer["location"]?.hasPrefix(wanted) == true, "\(answer["location"] ?? "")")
        if !prefix.isEmpty {
            #expect(try server.get("/my/v2/").status == 200)
            #expect(try server.get("/v2/").status == 404)
        }
    }

    @Test func case39BehindNginx() throws {
        let scratch = try Scratch()
        let server = try Server(in: scratch)
        let nginx = try Nginx(before: server.address, scratch: scratch)
        let answer = try HTTPConversation(nginx.address).request("POST", "/v2/m/t/blobs/uploads/")
        #expect(answer.status == 202 && answer["location"]?.hasPrefix("http://\(nginx.address)/v2/m/t/") == true)
    }

    /// The oldest form of HTTP has no Host.
    @Test func case39WithoutHost() throws {
        let server = try Server()
        let conversation = try HTTPConversation(server.address)
        let answer = try conversation.request("GET", "/v2/", [("Host", "")], version: "HTTP/1.0")
        #expect(answer.status == 200 && answer.text == "{}")
        #expect(try conversation.isClosed())
    }
}

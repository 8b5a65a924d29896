import Foundation
import Testing

/// What those who run a server look at: its logs, its health, its settings.
struct OperationTests {
    @Test func requestsAreLoggedAsByApache() throws {
        let server = try Server.withHello()
        _ = try server.get("/v2/", [("User-Agent", "a-test/1.0"), ("Referer", "http://there.example/")])
        _ = try server.get("/v2/nope/tags/list")
        server.stop()
        let line =
            /127\.0\.0\.1 - - \[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "GET \/v2\/ HTTP\/1\.1" 200 2 "http:\/\/there\.example\/" "a-test\/1\.0"/
        #expect(server.accessLog.contains(line), "\(server.accessLog)")
        #expect(server.accessLog.contains(#""GET /v2/nope/tags/list HTTP/1.1" 404 "#))
    }

    @Test func logsHaveNoMarksThatATerminalObeys() throws {
        let server = try Server()
        let agent = "\u{9b}31mred \u{202e}back"
        _ = try server.get("/v2/", [("User-Agent", agent)])
        server.stop()
        try unlikeTheOriginal("writes them as they come") {
            #expect(server.accessLog.contains(#""\x9b31mred \u202eback""#), "\(server.accessLog)")
        }
    }

    @Test func whatFailsIsNotForEverybody() throws {
        let port = try Registry.freePort()
        let check = "http://monitor:S3cretPw@127.0.0.1:\(port)/check?token=S3cretToken"
        let server = try Server(.init(top: "health: {http: [{uri: '\(check)', interval: 1s, threshold: 1}]}"))
        let deadline = Date.now + 30
        var answer = try server.get("/v2/")
        while answer.status != 503, Date.now < deadline { answer = try server.get("/v2/") }
        #expect(answer.status == 503 && answer.text.contains("UNAVAILABLE"), "\(answer.status)")
        #expect(!answer.text.contains("127.0.0.1"), "\(answer.text)")
        server.stop()
        try unlikeTheOriginal("says what it asks, with the password") {
            #expect(server.log.contains("http://127.0.0.1:\(port)/check fails"), "\(server.log)")
            #expect(!server.log.contains("S3cret"), "\(server.log)")
        }
    }

    @Test func nothingIsGivenAwayWhereManifestsAreNotValidated() throws {
        let server = try Server(.init(top: "validation: {disabled: true}"))
        let image = TinyImage("secret")
        try server.push(image, to: "secret/app", as: "1")
        #expect(try server.put(image.manifest, image.type, as: "1", in: "mine/app").status == 201)
        #expect(try server.get("/v2/mine/app/manifests/1").body == image.manifest)
        for digest in [image.layerDigest, image.configDigest] {
            #expect(try server.get("/v2/mine/app/blobs/\(digest)").status == 404)
        }
    }

    @Test func theAccessLogCanBeTurnedOff() throws {
        let server = try Server(.init(log: "accesslog: {disabled: true}"))
        _ = try server.get("/v2/")
        server.stop()
        #expect(!server.accessLog.contains("GET /v2/"))
    }

    @Test func theLogIsTextOrJSON() throws {
        let text = try Server(.init(log: "fields: {where: here}"))
        #expect(text.log.contains(/time="[^"]+" level=info msg="listening on [^"]+".* where=here/), "\(text.log)")
        let json = try Server(.init(log: "formatter: json, fields: {where: here}"))
        let lines = json.log.split(separator: "\n").compactMap {
            try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }
        let line = lines.first { ($0["msg"] as? String)?.hasPrefix("listening on ") == true }
        #expect(line?["level"] as? String == "info" && line?["where"] as? String == "here", "\(json.log)")
    }

    @Test func healthAndMetricsHaveAnAddressOfTheirOwn() throws {
        let port = try Registry.freePort()
        let debug = "127.0.0.1:\(port)"
        let server = try Server(.init(http: "debug: {addr: '\(debug)', prometheus: {enabled: true}}"))
        _ = try server.get("/v2/_catalog")
        try Command.shell(
            "curl -s -o /dev/null --retry 100 --retry-connrefused --retry-delay 0 --retry-max-time 20 http://\(debug)/")
        let health = try HTTPConversation(debug).request("GET", "/debug/health")
        #expect(health.status == 200 && health.text.trimmed == "{}")
        let metrics = try HTTPConversation(debug).request("GET", "/metrics")
        #expect(metrics.status == 200 && metrics.text.contains("registry_http_"), "\(metrics.status)")
        #expect(try server.get("/debug/health").status == 404)
    }

    @Test func settingsComeFromTheEnvironmentToo() throws {
        var settings = Server.Settings(http: "headers: {X-Content-Type-Options: [nosniff]}")
        settings.environment = ["REGISTRY_STORAGE_DELETE_ENABLED": "false", "REGISTRY_HTTP_RELATIVEURLS": "true"]
        let server = try Server.withHello(settings)
        #expect(try server.get("/v2/")["x-content-type-options"] == "nosniff")
        #expect(try server.delete("/v2/library/hello/manifests/\(TinyImage.hello.digest)").status == 405)
        #expect(try server.request("POST", "/v2/a/blobs/uploads/")["location"]?.hasPrefix("/v2/") == true)
    }

    @Test func badSettingsEndTheStart() throws {
        for (settings, words) in [
            (Server.Settings(http: "tls: {certificate: /nowhere.crt, key: /nowhere.key}"), "/nowhere"),
            (Server.Settings(storage: "maintenance: {readonly: true}"), "readonly"),
            (Server.Settings(top: "auth: {nonsense: {realm: x}}"), "nonsense"),
        ] {
            do {
                _ = try Server(settings)
                Issue.record("it starts, with nonsense for \(words)")
            } catch let failure as Server.DidNotStart {
                #expect(failure.description.contains(words), "\(failure)")
            }
        }
    }

    @Test func severalRequestsGoOverOneConnection() throws {
        let server = try Server.withHello()
        let conversation = try HTTPConversation(server.address)
        for _ in 0..<3 {
            #expect(try conversation.request("GET", "/v2/").text == "{}")
            #expect(try conversation.request("HEAD", "/v2/library/hello/manifests/latest").status == 200)
            #expect(try conversation.request("GET", "/v2/library/hello/manifests/nope").status == 404)
            let answer = try conversation.request("POST", "/v2/library/hello/blobs/uploads/")
            let sent = try conversation.request(
                "PATCH", answer.location, [("Content-Type", "application/octet-stream"), ("Expect", "100-continue")],
                body: .whole([1, 2, 3]))
            #expect(sent.status == 202 && sent["range"] == "0-2")
        }
        // Asked in one breath, answered in order.
        try conversation.send(conversation.head("GET", "/v2/") + conversation.head("GET", "/v2/_catalog"))
        #expect(try conversation.response(to: "GET").text == "{}")
        #expect(try conversation.response(to: "GET").strings("repositories") == ["library/hello"])
    }
}

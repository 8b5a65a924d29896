import Foundation
import Testing

/// What the endpoints of `notifications` are told.
struct NotificationTests {
    private struct Event: Decodable {
        struct Target: Decodable {
            var digest: String?
            var repository: String
            var fromRepository: String?
            var tag: String?
            var url: String?
        }

        struct Request: Decodable {
            var addr: String
            var host: String
        }

        var action: String
        var target: Target
        var request: Request
    }

    private struct Envelope: Decodable {
        var type: String
        var key: String?
        var events: [Event]
    }

    /// Waits for as many events as there should be, which come when they come.
    private func events(_ count: Int, in scratch: Scratch) throws -> [Envelope] {
        let deadline = Date.now + 60
        while true {
            let text = (try? String(contentsOfFile: scratch["events"], encoding: .utf8)) ?? ""
            // The last one may be on its way.
            let lines = text[..<(text.lastIndex(of: "\n") ?? text.startIndex)].split(separator: "\n")
            let envelopes = try lines.map { try JSONDecoder().decode(Envelope.self, from: Data($0.utf8)) }
            if envelopes.reduce(0, { $0 + $1.events.count }) >= count || Date.now > deadline { return envelopes }
            usleep(5000)
        }
    }

    /// The first attempts fail, and nothing is lost, nor out of order.
    @Test(arguments: [0, 2])
    func everyChangeIsTold(_ failures: Int) throws {
        let scratch = try Scratch()
        let sink = try Helper("event-sink", [scratch["events"], "\(failures)"])
        let endpoint =
            "notifications: {endpoints: [{name: sink, url: 'http://127.0.0.1:\(sink.port)/', headers: {X-Key: [s3cr3t]}, "
            + "timeout: 5s, threshold: 5, backoff: 10ms}]}"
        let server = try Server(.init(top: endpoint), in: scratch)
        let image = TinyImage.hello
        try server.push(image, to: "a/b", as: "1")
        _ = try server.request("POST", "/v2/c/blobs/uploads/?mount=\(image.layerDigest)&from=a/b")
        _ = try server.get("/v2/a/b/manifests/1")
        _ = try server.get("/v2/a/b/blobs/\(image.layerDigest)")
        _ = try server.delete("/v2/a/b/manifests/\(image.digest)")
        let envelopes = try events(7, in: scratch)
        #expect(envelopes.allSatisfy { $0.type == "application/vnd.docker.distribution.events.v2+json" })
        #expect(envelopes.allSatisfy { $0.key == "s3cr3t" })
        let all = envelopes.flatMap(\.events)
        #expect(
            all.map { "\($0.action) \($0.target.repository) \($0.target.digest ?? "")" } == [
                "push a/b \(image.configDigest)", "push a/b \(image.layerDigest)", "push a/b \(image.digest)",
                "mount c \(image.layerDigest)", "pull a/b \(image.digest)", "pull a/b \(image.layerDigest)",
                "delete a/b \(image.digest)",
            ])
        #expect(all[2].target.tag == "1")
        #expect(all[2].target.url == "\(server.baseURL)/v2/a/b/manifests/\(image.digest)")
        #expect(!server.log.contains("s3cr3t"))
    }

    /// A server that tells one endpoint.
    private func server(_ http: String = "", in scratch: Scratch, sink: Helper) throws -> Server {
        let endpoint = "notifications: {endpoints: [{name: sink, url: 'http://127.0.0.1:\(sink.port)/', timeout: 5s}]}"
        return try Server(.init(http: http, top: endpoint), in: scratch)
    }

    static let addresses: [([(String, String)], String)] = [
        ([], "peer"),
        ([("X-Forwarded-For", "203.0.113.9")], "203.0.113.9"),
        ([("X-Forwarded-For", "203.0.113.9, 10.0.0.1")], "203.0.113.9"),
        ([("X-Forwarded-For", " 203.0.113.9 "), ("X-Forwarded-For", "10.0.0.1")], "203.0.113.9"),
        ([("X-Forwarded-For", "2001:db8::1"), ("X-Real-IP", "10.0.0.1")], "2001:db8::1"),
        ([("X-Forwarded-For", "203.0.113.9:4711")], "203.0.113.9:4711"),
        ([("X-Forwarded-For", "[2001:db8::1]:4711")], "[2001:db8::1]:4711"),
        ([("X-Real-IP", "203.0.113.9")], "203.0.113.9"),
        ([("X-Forwarded-For", "unknown, 10.0.0.1"), ("X-Real-IP", "203.0.113.9")], "203.0.113.9"),
        ([("X-Forwarded-For", "nonsense:1"), ("X-Real-IP", "_hidden")], "peer"),
    ]

    @Test func theClientsAddressIsTold() throws {
        let scratch = try Scratch()
        let sink = try Helper("event-sink", [scratch["events"]])
        let server = try server(in: scratch, sink: sink)
        try server.push(.hello, to: "a", as: "1")
        for (headers, _) in Self.addresses { _ = try server.get("/v2/a/manifests/1", headers) }
        let all = try events(3 + Self.addresses.count, in: scratch).flatMap(\.events).filter { $0.action == "pull" }
        #expect(all.count == Self.addresses.count)
        for (event, (headers, expected)) in zip(all, Self.addresses) {
            let address = event.request.addr
            let isRight =
                expected == "peer" ? address.wholeMatch(of: /127\.0\.0\.1:\d+/) != nil : address == expected
            #expect(isRight, "\(headers): \(address)")
            #expect(event.request.host == server.address)
        }
    }

    @Test func aMountTellsWhereFrom() throws {
        let scratch = try Scratch()
        let sink = try Helper("event-sink", [scratch["events"]])
        let server = try server(in: scratch, sink: sink)
        try server.push(blob: TinyImage.hello.layer, to: "one/place")
        let digest = TinyImage.hello.layerDigest
        for (repository, origin) in [("other", "one/place"), ("third/place", "other")] {
            let answer = try server.request("POST", "/v2/\(repository)/blobs/uploads/?mount=\(digest)&from=\(origin)")
            #expect(answer.status == 201)
        }
        let all = try events(3, in: scratch).flatMap(\.events)
        #expect(all.map(\.action) == ["push", "mount", "mount"])
        #expect(all.map(\.target.fromRepository) == [nil, "one/place", "other"])
        #expect(all[2].target.url == "\(server.baseURL)/v2/third/place/blobs/\(digest)")
    }

    @Test(
        arguments: [
            ("host: 'https://public.example'", [], "https://public.example"),
            ("host: 'https://public.example'", [("X-Forwarded-Host", "a.example")], "https://public.example"),
            ("", [("X-Forwarded-Proto", "https, http"), ("X-Forwarded-Host", "a.example")], "https://a.example"),
        ] as [(String, [(String, String)], String)])
    func theURLIsThatOfClients(_ http: String, _ headers: [(String, String)], _ expected: String) throws {
        let scratch = try Scratch()
        let sink = try Helper("event-sink", [scratch["events"]])
        let server = try server(http, in: scratch, sink: sink)
        try server.push(.hello, to: "a", as: "1")
        _ = try server.get("/v2/a/manifests/1", headers)
        let last = try events(4, in: scratch).flatMap(\.events).last
        #expect(last?.target.url == "\(expected)/v2/a/manifests/\(TinyImage.hello.digest)")
    }

    @Test func anEndpointThatIsTurnedOffIsToldNothing() throws {
        let scratch = try Scratch()
        let off = try Helper("event-sink", [scratch["off"]]), on = try Helper("event-sink", [scratch["events"]])
        let server = try Server(
            .init(
                top: """
                    notifications:
                      endpoints:
                        - {name: off, disabled: true, url: 'http://127.0.0.1:\(off.port)/'}
                        - {name: on, url: 'http://127.0.0.1:\(on.port)/', ignore: {actions: [pull]}}
                    """), in: scratch)
        try server.push(.hello, to: "a", as: "1")
        _ = try server.get("/v2/a/manifests/1")
        _ = try server.delete("/v2/a/manifests/\(TinyImage.hello.digest)")
        let all = try events(4, in: scratch).flatMap(\.events)
        #expect(all.map(\.action) == ["push", "push", "push", "delete"])
        #expect(!FileManager.default.fileExists(atPath: scratch["off"]))
    }
}

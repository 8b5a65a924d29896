import Foundation
import Testing

/// What the endpoints of `notifications` are told.
struct NotificationTests {
    private struct Event: Decodable {
        struct Target: Decodable {
            var digest: String?
            var repository: String
            var tag: String?
            var url: String?
        }

        var action: String
        var target: Target
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

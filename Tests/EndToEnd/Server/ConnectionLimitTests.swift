import Foundation
import ImageModel
import Testing

/// How many connections a server takes, and from whom.
@Suite(.serialized, .disabled(if: Server.Program.isOriginal)) struct ConnectionLimitTests {
    private let path = "/v2/"

    /// A connection that was taken, which one request shows.
    private func open(_ server: Server, from source: String = "127.0.0.1") throws -> HTTPConversation {
        let conversation = try HTTPConversation(server.address, from: source)
        try #require(conversation.request("GET", path).status == 200)
        return conversation
    }

    /// Whether a new connection is closed at once.
    private func isRefused(_ server: Server, from source: String = "127.0.0.1") throws -> Bool {
        do {
            return try HTTPConversation(server.address, from: source).request("GET", path).status != 200
        } catch HTTPConversation.Failure.closed {
            return true
        } catch HTTPConversation.Failure.system(_, ECONNRESET), HTTPConversation.Failure.system(_, EPIPE) {
            return true
        }
    }

    /// Computes for a while: on a busy machine, too, a server that spins gets as much processor time meanwhile.
    private func compute(seconds: Double) {
        func now() -> Double {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        }
        let end = now() + seconds
        while now() < end {}
    }

    @Test func oneClientLeavesConnectionsToOthers() throws {
        var settings = Server.Settings(http: "connections: {maxperclient: 10}")
        settings.environment = ["REGISTRY_HTTP_CONNECTIONS_MAX": "16"]
        let server = try Server(settings)
        var open = try (0..<10).map { _ in try self.open(server) }
        #expect(try isRefused(server))
        let others = try (0..<6).map { _ in try self.open(server, from: "127.0.0.2") }
        #expect(try isRefused(server, from: "127.0.0.1"))
        // Those that are open go on, and one that ends makes room for another.
        for conversation in open + others { #expect(try conversation.request("GET", path).status == 200) }
        open.removeLast()
        try eventually("there is room again") { try !isRefused(server) }
        #expect(server.log.contains("http.connections.maxperclient"))
    }

    @Test func fewClientsDoNotKeepOthersOut() throws {
        let server = try Server(.init(http: "connections: {max: 12, maxperclient: 8}"))
        try server.push(blob: [UInt8](repeating: 7, count: 16 << 20), to: "a")
        let digest = Digest(of: [UInt8](repeating: 7, count: 16 << 20))
        // One that is in the middle of a download, and others that have nothing to do.
        let busy = try HTTPConversation(server.address, from: "127.0.0.2")
        try busy.send(busy.head("GET", "/v2/a/blobs/\(digest)"))
        let idle = try (0..<7).map { _ in try open(server, from: "127.0.0.2") }
        let others = try (0..<4).map { _ in try open(server, from: "127.0.0.3") }
        let late = try (4..<7).map { try open(server, from: "127.0.0.\($0)") }
        #expect(try busy.response(to: "GET").digest == digest.description)
        for conversation in others + late { #expect(try conversation.request("GET", path).status == 200) }
        let kept = idle.count { (try? $0.request("GET", path).status) == 200 }
        #expect(kept <= 4)
        // Where all have the same, nobody has to go.
        #expect(try isRefused(server, from: "127.0.0.3"))
        #expect(server.log.contains("an idle one was closed"))
    }

    @Test func clientsBehindAProxyAreCountedEach() throws {
        let server = try Server(.init(http: "connections: {maxperclient: 5}"))
        func ask(_ client: String) throws -> (HTTPConversation, Int) {
            let conversation = try HTTPConversation(server.address)
            return (conversation, try conversation.request("GET", path, [("X-Forwarded-For", client)]).status)
        }
        let first = try (0..<5).map { _ in try ask("192.0.2.1") }
        #expect(first.allSatisfy { $0.1 == 200 })
        let refused = try HTTPConversation(server.address).request("GET", path, [("X-Forwarded-For", "192.0.2.1")])
        #expect(refused.status == 429 && refused["retry-after"] != nil && refused.text.contains("TOOMANYREQUESTS"))
        // Far more than one client may have come through the proxy, whose connections they are.
        let others = try (2..<30).map { try ask("192.0.2.\($0)") }
        #expect(others.allSatisfy { $0.1 == 200 })
        // A proxy's connection is whose request it passes on.
        #expect(try first[0].0.request("GET", path, [("X-Forwarded-For", "192.0.2.99")]).status == 200)
        #expect(try ask("192.0.2.1").1 == 200)
    }

    @Test func proxiesThatAreNotTrustedSpeakForNobody() throws {
        let server = try Server(.init(http: "trustedproxies: [192.0.2.0/24], connections: {maxperclient: 3}"))
        let open = try (0..<3).map { number in
            let conversation = try HTTPConversation(server.address)
            let answer = try conversation.request("GET", path, [("X-Forwarded-For", "198.51.100.\(number)")])
            #expect(answer.status == 200)
            return conversation
        }
        #expect(try isRefused(server))
        #expect(server.accessLog.split(separator: "\n").allSatisfy { $0.hasPrefix("127.0.0.1 ") })
        withExtendedLifetime(open) {}
    }

    /// A limit on open files that is lower than the limits on connections.
    @Test func fewDescriptorsAreEnough() throws {
        let scratch = try Scratch()
        try scratch.write("#!/bin/sh\nulimit -n 300\nexec \"$@\"\n", to: "launcher")
        try #require(chmod(scratch["launcher"], 0o700) == 0)
        var settings = Server.Settings()
        settings.launcher = scratch["launcher"]
        let server = try Server(settings, in: scratch)
        try server.push(.hello, to: "library/hello", as: "latest")
        // Some are refused, and none keeps the server busy.
        let crowd = try (0..<500).map { try HTTPConversation(server.address, from: "127.0.0.\(2 + $0 % 8)") }
        let before = try server.processorTime
        compute(seconds: 0.5)
        #expect(try server.processorTime - before < 0.15)
        for conversation in crowd { conversation.finishSending() }
        try eventually("there is room again") {
            try !isRefused(server) && server.get("/v2/library/hello/manifests/latest").status == 200
        }
        #expect(server.log.contains("http.connections.max is "))
    }
}

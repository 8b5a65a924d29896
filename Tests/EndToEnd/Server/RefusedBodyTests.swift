import Foundation
import Testing

/// What is refused before its body was read.
struct RefusedBodyTests {
    private let server: Server
    private let scratch = try? Scratch()

    init() throws {
        let scratch = try #require(scratch)
        try scratch.write("", to: "htpasswd")
        server = try Server(
            .init(top: "auth: {htpasswd: {realm: basic-realm, path: \(scratch["htpasswd"])}}"), in: scratch)
    }

    /// - Parameter length: bytes that are announced.
    private func refused(_ method: String, _ target: String, length: Int) throws -> (HTTPConversation, HTTPResponse) {
        let conversation = try HTTPConversation(server.address)
        let head = conversation.head(method, target, [("Content-Length", "\(length)")])
        try conversation.send(head + Array(repeating: 0, count: 1000))
        return (conversation, try conversation.response(to: method))
    }

    @Test(arguments: [
        ("PUT", "/v2/a/manifests/1", 401), ("PATCH", "/v2/a/blobs/uploads/11111111-1111-1111-1111-111111111111", 401),
        ("PUT", "/v2/_catalog", 405), ("PUT", "/elsewhere", 404),
    ])
    func aLargeBodyIsNotReadToItsEnd(_ method: String, _ target: String, _ status: Int) throws {
        let start = ContinuousClock.now
        let (conversation, answer) = try refused(method, target, length: 1 << 40)
        #expect(answer.status == status)
        // Nothing more is said, and the connection ends although the body has not.
        #expect(try conversation.isClosed())
        var sent = 0
        do {
            while sent < 1 << 30 {
                try conversation.send(Array(repeating: 0, count: 1 << 20))
                sent += 1 << 20
            }
            Issue.record("a gigabyte of what was refused was read")
        } catch HTTPConversation.Failure.system("send", _) {}
        #expect(start.duration(to: .now) < .seconds(20))
    }

    @Test func aSmallBodyIsDrainedAndTheConnectionStays() throws {
        let (conversation, answer) = try refused("PUT", "/v2/a/manifests/1", length: 64 << 10)
        #expect(answer.status == 401)
        try conversation.send(Array(repeating: 0, count: (64 << 10) - 1000))
        for _ in 0..<3 { #expect(try conversation.request("GET", "/").status == 200) }
    }

    @Test func aLargeBodyInChunksIsNotReadToItsEnd() throws {
        let conversation = try HTTPConversation(server.address)
        try conversation.send(conversation.head("PUT", "/v2/a/manifests/1", body: .chunked([])))
        #expect(try conversation.response(to: "PUT").status == 401)
        let chunk = HTTPConversation.framed(Array(repeating: 0, count: 1 << 20))
        do {
            for _ in 0..<1024 { try conversation.send(chunk) }
            Issue.record("a gigabyte of what was refused was read")
        } catch HTTPConversation.Failure.system("send", _) {}
    }
}

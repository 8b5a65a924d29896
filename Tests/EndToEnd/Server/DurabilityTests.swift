import Foundation
import ImageModel
import Testing

/// What happens to the store when a server ends: on purpose, or in the middle of everything.
@Suite(.serialized) struct DurabilityTests {
    @Test func nothingAcknowledgedIsLostWhenTheServerIsKilled() throws {
        let scratch = try Scratch()
        let server = try Server(in: scratch)
        let crowd = Crowd(of: 4, seed: 5)
        var random = SeededBytes(5)
        let collector = Collector(server)
        defer {
            crowd.finish()
            _ = collector.finish()
        }
        for round in 1...(Samples.isLong ? 100 : 10) {
            crowd.use(Endpoint(server))
            crowd.wait(events: Int.random(in: 20...200, using: &random))
            server.kill()
            try server.start()
            try Endpoint(server).keepsPromises(crowd.promises)
            try #require(crowd.unexpected.isEmpty, "round \(round): \(crowd.unexpected)")
        }
        crowd.finish()
        #expect(collector.finish() == [])
        #expect(server.stop() == 0)
        // Also for everybody else, and once all that nothing refers to is gone.
        let collection = try server.collectGarbage()
        #expect(collection.status == 0, "\(collection.errors)")
        for program in [Server.Program.underTest, .original] {
            let other = try Server(in: scratch, program: program)
            try other.keepsPromises(crowd.promises)
        }
        let counts = Dictionary(grouping: crowd.promises.values, by: \.promise).mapValues(\.count)
        #expect(counts[.acknowledged] ?? 0 > 20 && counts[.deleted] ?? 0 > 2, "\(counts)")
    }

    @Test func uploadsSurviveTheServer() throws {
        let server = try Server(.init(http: "secret: a-secret"))
        var random = SeededBytes(3)
        let blob = random.bytes(3_000_000)
        let half = blob.count / 2
        let patched = try server.patch(server.startUpload(in: "m/t"), Array(blob[..<half]))
        #expect(patched.status == 202)
        server.kill()
        try server.start()
        let status = try server.get(patched.location)
        #expect(status.status == 204 && status["range"] == "0-\(half - 1)")
        let rest = try server.patch(status.location, Array(blob[half...]), range: "\(half)-\(blob.count - 1)")
        #expect(rest.status == 202 && rest["range"] == "0-\(blob.count - 1)")
        server.stop()
        try server.start()
        let digest = Digest(of: blob).description
        let end = try server.finish(rest.location, digest)
        #expect(end.status == 201 && end["location"]?.hasPrefix(server.baseURL) == true)
        #expect(try server.get(end.location).digest == digest)
    }

    @Test func anUploadKilledInTheMiddleGoesOnFromWhatArrived() throws {
        let server = try Server(.init(http: "secret: a-secret"))
        var random = SeededBytes(4)
        let blob = random.bytes(8_000_000)
        let location = try server.startUpload(in: "m/t")
        let conversation = try HTTPConversation(server.address)
        let headers = [("Content-Type", "application/octet-stream")]
        try conversation.send(conversation.head("PATCH", location, headers, body: .whole(blob)))
        try conversation.send(Array(blob[..<5_000_000]))
        server.kill()
        try server.start()
        try unlikeTheOriginal("trusts only the Location of the last answer", isSometimes: true) {
            let status = try server.get(location)
            let range = try #require(status["range"]?.split(separator: "-").last.flatMap { Int($0) })
            let size = range == 0 ? 0 : range + 1
            #expect(status.status == 204 && size <= 5_000_000)
            let rest = try server.patch(status.location, Array(blob[size...]), range: "\(size)-\(blob.count - 1)")
            #expect(rest.status == 202, "\(rest.text)")
            let digest = Digest(of: blob).description
            #expect(try server.finish(rest.location, digest).status == 201)
            #expect(try server.get("/v2/m/t/blobs/\(digest)").digest == digest)
        }
    }

    @Test func aSlowDownloadIsDrained() throws {
        let server = try Server(.init(http: "draintimeout: 60s"))
        var random = SeededBytes(6)
        let blob = random.bytes(32 << 20)
        let digest = Digest(of: blob).description
        try server.push(blob: blob, to: "m/t")
        let conversation = try HTTPConversation(server.address)
        try conversation.send(conversation.head("GET", "/v2/m/t/blobs/\(digest)"))
        let head = try conversation.responseHead()
        #expect(head.status == 200)
        // Far more is to come than fits into the buffers in between.
        var received = try conversation.take(1 << 16)
        server.terminate()
        // New ones are not let in any more.
        let deadline = Date.now + 30
        while Date.now < deadline, (try? HTTPConversation(server.address, patience: 1)) != nil {}
        #expect(Date.now < deadline && server.isRunning)
        received += try conversation.take(blob.count - received.count)
        #expect(Digest(of: received).description == digest)
        let status = server.waitUntilExit()
        #expect(status == 0, "\(server.log)")
    }

    @Test func withoutATimeToDrainItEndsAtOnce() throws {
        let server = try Server()
        var random = SeededBytes(7)
        let blob = random.bytes(32 << 20)
        try server.push(blob: blob, to: "m/t")
        let conversation = try HTTPConversation(server.address)
        try conversation.send(conversation.head("GET", "/v2/m/t/blobs/\(Digest(of: blob))"))
        #expect(try conversation.responseHead().status == 200)
        let before = Date.now
        server.stop()
        #expect(Date.now.timeIntervalSince(before) < 20)
    }
}

/// `dray gc`, again and again beside a server. The original's collection is not for that, and is not run.
private final class Collector: @unchecked Sendable {
    /// Guards the rest.
    private let condition = NSCondition()
    private var isOver = false
    private var hasEnded = false
    private var problems: [String] = []

    init(_ server: Server) {
        guard server.program == .dray else {
            hasEnded = true
            return
        }
        let config = server.config
        Thread.detachNewThread { [self] in
            while !condition.withLock({ isOver }) {
                do {
                    let run = try Command.dray("gc", "--grace", "0", "-q", config)
                    if run.status != 0 { condition.withLock { problems.append("\(run.status): \(run.errors)") } }
                } catch {
                    condition.withLock { problems.append("\(error)") }
                }
            }
            condition.withLock {
                hasEnded = true
                condition.broadcast()
            }
        }
    }

    /// Waits for the last run.
    ///
    /// - Returns: what went wrong.
    func finish() -> [String] {
        condition.withLock {
            isOver = true
            while !hasEnded { condition.wait() }
            return problems
        }
    }
}

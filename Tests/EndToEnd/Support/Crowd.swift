import Foundation
import ImageModel
import Testing

/// Clients that push and delete for as long as they are let, whatever becomes of their server, and remember what
/// they were promised.
///
/// All state is guarded by `condition`.
final class Crowd: @unchecked Sendable {
    /// What a tag may be found to be.
    enum Promise {
        /// Asked for, and no answer came: there or not, but if there, then whole.
        case open
        case acknowledged
        case deleted
    }

    struct Entry {
        var image: TinyImage
        var promise: Promise
    }

    private let condition = NSCondition()
    private var server: Endpoint?
    /// Counts servers, so that a client that lost one waits for the next.
    private var generation = 0
    private var isOver = false
    private var running = 0
    private var events = 0
    private var entries: [String: Entry] = [:]
    private var complaints: [String] = []

    init(of count: Int, seed: Int) {
        running = count
        for number in 0..<count {
            Thread.detachNewThread { [self] in
                pushAndDelete(number, SeededBytes(seed &* 1000 &+ number))
                condition.withLock {
                    running -= 1
                    condition.broadcast()
                }
            }
        }
    }

    /// `REPOSITORY:TAG` and what it is.
    var promises: [String: Entry] { condition.withLock { entries } }
    /// Answers that no client should get.
    var unexpected: [String] { condition.withLock { complaints } }

    /// Lets the clients loose on a server.
    func use(_ server: Endpoint) {
        condition.withLock {
            (self.server, generation, events) = (server, generation + 1, 0)
            condition.broadcast()
        }
    }

    /// Waits until something has happened so often: a piece of a body sent, an answer received.
    func wait(events count: Int) {
        condition.withLock {
            let deadline = Date.now + 60
            while events < count, condition.wait(until: deadline) {}
        }
    }

    /// Keeps the clients from asking, and returns at once; they may still be waiting for an answer.
    func hold() { condition.withLock { server = nil } }

    /// Sends the clients home, and waits until they have gone.
    func finish() {
        condition.withLock {
            (isOver, server) = (true, nil)
            condition.broadcast()
            while running > 0 { condition.wait() }
        }
    }

    private func happened() {
        condition.withLock {
            events += 1
            condition.broadcast()
        }
    }

    /// - Parameter last: the number of the server that was lost.
    private func nextServer(after last: Int) -> (Endpoint, Int)? {
        condition.withLock {
            while !isOver {
                if let server, generation != last { return (server, generation) }
                condition.wait()
            }
            return nil
        }
    }

    private func set(_ name: String, _ image: TinyImage, _ promise: Promise) {
        condition.withLock { entries[name] = Entry(image: image, promise: promise) }
    }

    private func pushAndDelete(_ client: Int, _ seed: SeededBytes) {
        var (random, number, lost) = (seed, 0, 0)
        while let (server, generation) = nextServer(after: lost) {
            do {
                let conversation = try HTTPConversation(server.address)
                while condition.withLock({ self.server != nil && self.generation == generation }) {
                    number += 1
                    // Some layers are everybody's, and are in the store already as often as not.
                    let shared = Int.random(in: 0..<8, using: &random)
                    var own = SeededBytes(shared < 4 ? shared : Int.random(in: 100..<1 << 40, using: &random))
                    let layer = own.bytes(Int.random(in: 1...3, using: &own) * 20_000)
                    let image = TinyImage("\(client) \(number)", type: TinyImage.oci, layer: layer)
                    try push(image, "crowd/\(client)", "\(number)", conversation, &random)
                    if number % 5 == 0 { try delete(image, "crowd/\(client)", "\(number)", conversation) }
                }
                lost = 0
            } catch {
                lost = generation
            }
        }
    }

    private func push(
        _ image: TinyImage, _ repository: String, _ tag: String, _ conversation: HTTPConversation,
        _ random: inout SeededBytes
    ) throws {
        // A collection may take a blob that nothing refers to yet: then it is sent once more, as clients do.
        for _ in 0..<20 {
            for blob in [image.layer, image.config] { try push(blob, to: repository, conversation, &random) }
            set("\(repository):\(tag)", image, .open)
            let answer = try ask(
                conversation, "PUT", "/v2/\(repository)/manifests/\(tag)", [("Content-Type", image.type)],
                .whole(image.manifest))
            if answer.status == 201 { return set("\(repository):\(tag)", image, .acknowledged) }
            guard answer.codes.allSatisfy({ $0 == "MANIFEST_BLOB_UNKNOWN" }), !answer.codes.isEmpty else {
                return complain("PUT \(repository):\(tag)", answer)
            }
        }
        complain("twenty times refused: \(repository):\(tag)", nil)
    }

    private func push(
        _ blob: [UInt8], to repository: String, _ conversation: HTTPConversation, _ random: inout SeededBytes
    ) throws {
        let digest = Digest(of: blob).description
        if try ask(conversation, "HEAD", "/v2/\(repository)/blobs/\(digest)").status == 200 { return }
        let start = try ask(conversation, "POST", "/v2/\(repository)/blobs/uploads/")
        guard start.status == 202 else { return complain("POST", start) }
        var location = start.location
        let cut = Int.random(in: 0...blob.count, using: &random)
        let first = Array(blob[..<cut])
        if cut > 0 {
            // In pieces, so that the end may come in between.
            let headers = [("Content-Type", "application/octet-stream")]
            try conversation.send(conversation.head("PATCH", location, headers, body: .whole(first)))
            for piece in stride(from: 0, to: cut, by: 8192) {
                happened()
                try conversation.send(Array(first[piece..<min(piece + 8192, cut)]))
            }
            let answer = try conversation.response(to: "PATCH")
            happened()
            guard answer.status == 202 else { return complain("PATCH", answer) }
            location = answer.location
        }
        let end = try ask(
            conversation, "PUT", adding("digest=\(digest)", to: location), [], .whole(Array(blob[cut...])))
        if end.status != 201 { complain("PUT blob", end) }
    }

    private func delete(
        _ image: TinyImage, _ repository: String, _ tag: String, _ conversation: HTTPConversation
    ) throws {
        set("\(repository):\(tag)", image, .open)
        let answer = try ask(conversation, "DELETE", "/v2/\(repository)/manifests/\(image.digest)")
        guard answer.status == 202 else { return complain("DELETE", answer) }
        set("\(repository):\(tag)", image, .deleted)
    }

    private func ask(
        _ conversation: HTTPConversation, _ method: String, _ target: String, _ headers: [(String, String)] = [],
        _ body: HTTPConversation.Body = .none
    ) throws -> HTTPResponse {
        let answer = try conversation.request(method, target, headers, body: body)
        happened()
        return answer
    }

    private func complain(_ what: String, _ answer: HTTPResponse?) {
        condition.withLock { complaints.append("\(what): \(answer?.status ?? 0) \(answer?.text ?? "")") }
    }
}

extension Served {
    /// Checks that what was promised is there, whole, and that nothing else is listed.
    func keepsPromises(_ promises: [String: Crowd.Entry], sourceLocation: SourceLocation = #_sourceLocation) throws {
        let conversation = try HTTPConversation(address)
        func get(_ target: String) throws -> HTTPResponse {
            try conversation.request("GET", target, [("Accept", TinyImage.oci)])
        }
        func list(_ first: String, _ key: String) throws -> [String] {
            var (target, all): (String?, [String]) = (first, [])
            while let next = target {
                let page = try get(next)
                all += page.strings(key) ?? []
                target = page.next
            }
            return all
        }
        var listed: Set<String> = []
        for repository in try list("/v2/_catalog", "repositories") {
            listed.formUnion(try list("/v2/\(repository)/tags/list", "tags").map { "\(repository):\($0)" })
        }
        let known = promises.filter { $0.value.promise == .acknowledged }
        let open = promises.filter { $0.value.promise == .open && listed.contains($0.key) }
        #expect(listed.subtracting(known.keys).subtracting(open.keys) == [], sourceLocation: sourceLocation)
        #expect(Set(known.keys).subtracting(listed) == [], sourceLocation: sourceLocation)
        for (name, entry) in known.merging(open, uniquingKeysWith: { first, _ in first }) {
            let parts = name.split(separator: ":")
            let manifest = try get("/v2/\(parts[0])/manifests/\(parts[1])")
            // Of what was being deleted, a tag may be left that leads nowhere: the original stops there, too.
            if entry.promise == .open, manifest.status == 404 { continue }
            #expect(
                manifest.status == 200 && manifest.digest == entry.image.digest, "\(name): \(manifest.status)",
                sourceLocation: sourceLocation)
            for digest in [entry.image.layerDigest, entry.image.configDigest] {
                let blob = try get("/v2/\(parts[0])/blobs/\(digest)")
                #expect(
                    blob.status == 200 && blob.digest == digest, "\(name) \(digest): \(blob.status)",
                    sourceLocation: sourceLocation)
            }
        }
    }
}

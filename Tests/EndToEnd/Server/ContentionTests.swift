import Foundation
import ImageModel
import Testing

/// Requests that meet on their way: with each other, with a collection, with somebody who does not answer or listen.
@Suite(.serialized, .disabled(if: Server.Program.isOriginal)) struct ContentionTests {
    /// The gate of a store's lock, held as a collector holds it while it sweeps.
    private final class Gate {
        private let descriptor: Int32
        private let inode: UInt64

        init(_ server: Server) throws {
            descriptor = open("\(server.root)/.dray/lock/gate", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            var status = stat()
            try #require(descriptor >= 0 && fstat(descriptor, &status) == 0 && flock(descriptor, LOCK_EX) == 0)
            inode = UInt64(status.st_ino)
        }

        deinit { close(descriptor) }

        func release() { flock(descriptor, LOCK_UN) }

        /// Waits until so many wait for it.
        func wait(for count: Int) throws {
            let deadline = Date.now + 30
            while Date.now < deadline {
                // Foundation reads no more than the first page of such a file.
                let waiting = try Command.shell("cat /proc/locks").lines.count {
                    $0.contains("->") && $0.contains(":\(inode) ")
                }
                if waiting >= count { return }
                usleep(2000)
            }
            Issue.record("there are not \(count) who wait")
        }
    }

    /// Sends a manifest on a connection of its own, whose answer is still to come.
    private func beginPush(
        _ manifest: [UInt8], _ type: String, as name: String, in repository: String, _ server: Server
    ) throws -> HTTPConversation {
        let push = try HTTPConversation(server.address)
        let path = "/v2/\(repository)/manifests/\(name)"
        try push.send(push.head("PUT", path, [("Content-Type", type)], body: .whole(manifest)) + manifest)
        return push
    }

    @Test func aManifestThatIsDeletedMeanwhileLeavesNoTag() throws {
        let server = try Server()
        for round in 0..<(Samples.isLong ? 400 : 40) {
            let image = TinyImage("race \(round)")
            try server.push(image, to: "race/a")
            let delete = try HTTPConversation(server.address)
            let put = try beginPush(image.manifest, image.type, as: "t\(round)", in: "race/a", server)
            try delete.send(delete.head("DELETE", "/v2/race/a/manifests/\(image.digest)", [], body: .none))
            #expect(try put.response(to: "PUT").status == 201)
            #expect(try delete.response(to: "DELETE").status == 202)
            if try server.get("/v2/race/a/tags/list").text.contains("\"t\(round)\"") {
                #expect(try server.get("/v2/race/a/manifests/t\(round)").body == image.manifest)
            }
        }
    }

    @Test func pullsGoOnWhilePushesWaitForACollection() throws {
        let server = try Server.withHello()
        let gate = try Gate(server)
        let image = TinyImage.hello
        let pushes = try (0..<20).map {
            try beginPush(image.manifest, image.type, as: "t\($0)", in: "library/hello", server)
        }
        try gate.wait(for: 16)
        let pull = try HTTPConversation(server.address, patience: 20)
        #expect(try pull.request("GET", "/v2/library/hello/manifests/latest").body == image.manifest)
        #expect(try pull.request("GET", "/v2/library/hello/blobs/\(image.layerDigest)").body == image.layer)
        gate.release()
        for push in pushes { #expect(try push.response(to: "PUT").status == 201) }
    }

    @Test func aPushThatWaitsForLongIsToldToComeBack() throws {
        let server = try Server.withHello()
        let gate = try Gate(server)
        let image = TinyImage.hello
        let push = try beginPush(image.manifest, image.type, as: "2", in: "library/hello", server)
        let answer = try push.response(to: "PUT")
        #expect(answer.status == 503 && answer["retry-after"] != nil, "\(answer)")
        gate.release()
        let next = try beginPush(image.manifest, image.type, as: "2", in: "library/hello", server)
        #expect(try next.response(to: "PUT").status == 201)
    }

    @Test func anIndexIsNotTakenWhenItsImageWentInTheMeantime() throws {
        let server = try Server()
        let child = TinyImage("child", type: TinyImage.oci)
        try server.push(child, to: "a")
        let gate = try Gate(server)
        let put = try beginPush(TinyImage.index(of: [child]), TinyImage.index, as: "multi", in: "a", server)
        try gate.wait(for: 1)
        // As a collector does that found it untagged.
        let revision = "docker/registry/v2/repositories/a/_manifests/revisions/sha256/\(child.digest.hex)"
        try FileManager.default.removeItem(atPath: "\(server.root)/\(revision)")
        gate.release()
        let answer = try put.response(to: "PUT")
        #expect(answer.status == 400 && answer.text.contains("MANIFEST_BLOB_UNKNOWN"), "\(answer.text)")
        #expect(try server.get("/v2/a/manifests/multi").status == 404)
    }

    /// A collector leaves what was touched since its time of grace began.
    @Test func whatAClientAskedAfterIsTouched() throws {
        let server = try Server()
        let (image, unasked) = (TinyImage("asked after"), TinyImage("nobody asked after"))
        for image in [image, unasked] { try server.push(image, to: "a") }
        try Command.shell("find \(server.root)/docker -type f -exec touch -d '2 days ago' {} +")
        for path in ["blobs/\(image.configDigest)", "blobs/\(image.layerDigest)", "manifests/\(image.digest)"] {
            #expect(try server.head("/v2/a/\(path)").status == 200)
        }
        let young = Set(
            try Command.shell("find docker -type f -mmin -60 -printf '%P\\n'", in: server.root).lines)
        func files(_ image: TinyImage) -> [String] {
            let repository = "registry/v2/repositories/a"
            let blobs = [image.configDigest, image.layerDigest]
            return (blobs + [image.digest]).map { "registry/v2/\(Server.blobPath($0))" }
                + blobs.map { "\(repository)/_layers/sha256/\($0.hex)/link" }
                + ["\(repository)/_manifests/revisions/sha256/\(image.digest.hex)/link"]
        }
        #expect(young == Set(files(image)))
        #expect(files(unasked).allSatisfy { FileManager.default.fileExists(atPath: "\(server.root)/docker/\($0)") })
    }

    @Test func aCacheServesWhatItHasWhileTheOtherOneSaysNothing() throws {
        let scratch = try Scratch()
        let upstream = try Server.withHello(in: scratch)
        let cache = try Server(
            .init(top: "proxy: {remoteurl: 'http://\(upstream.address)'}"), in: scratch, root: scratch["cache"])
        let blob = "/v2/library/hello/blobs/\(TinyImage.hello.layerDigest)"
        #expect(try cache.get(blob).status == 200)
        upstream.suspend()
        defer { upstream.resume() }
        let asking = try (0..<20).map { number in
            let conversation = try HTTPConversation(cache.address)
            let digest = Digest(of: Array("not here \(number)".utf8))
            try conversation.send(conversation.head("GET", "/v2/library/hello/blobs/\(digest)", [], body: .none))
            return conversation
        }
        for _ in 0..<20 {
            let answer = try HTTPConversation(cache.address, patience: 10).request("GET", blob)
            #expect(answer.body == TinyImage.hello.layer)
        }
        withExtendedLifetime(asking) {}
    }

    @Test func aLogThatNobodyReadsFillsNoMemory() throws {
        let scratch = try Scratch()
        let pipe = scratch["log"]
        try #require(mkfifo(pipe, 0o600) == 0)
        let reading = open(pipe, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        try #require(reading >= 0)
        defer { close(reading) }
        try scratch.write("#!/bin/sh\nexec \"$@\" >'\(pipe)'\n", to: "launcher")
        try #require(chmod(scratch["launcher"], 0o700) == 0)
        var settings = Server.Settings()
        settings.launcher = scratch["launcher"]
        let server = try Server(settings, in: scratch)
        let conversation = try HTTPConversation(server.address)
        let agent = String(repeating: "x", count: 7000)
        for _ in 0..<1000 {
            #expect(try conversation.request("GET", "/v2/", [("User-Agent", agent), ("Referer", agent)]).status == 200)
        }
        server.terminate()
        try #require(fcntl(reading, F_SETFL, 0) == 0)
        let log = FileHandle(fileDescriptor: reading, closeOnDealloc: false).readDataToEndOfFile()
        #expect(server.waitUntilExit() == 0)
        #expect(log.count < 5 << 20, "\(log.count)")
        #expect(String(decoding: log, as: UTF8.self).contains(/[0-9]+ lines of the log were dropped/))
    }
}

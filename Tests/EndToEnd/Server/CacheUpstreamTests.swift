import Foundation
import Testing

/// A cache whose upstream misbehaves as told.
struct CacheUpstreamTests {
    private static let image = TinyImage("cached", layer: [UInt8](repeating: 7, count: 300_000))
    private static let tag = "/v2/team/app/manifests/latest"

    private let scratch: Scratch
    private let upstream: ScriptedRegistry

    init() throws {
        scratch = try Scratch()
        upstream = try ScriptedRegistry([], scratch: scratch)
        try upstream.push(Self.image, to: "team/app", as: "latest")
    }

    private func cache(
        _ more: String = "", path: String = "", _ environment: [String: String] = [:]
    ) throws -> Server {
        let settings = Server.Settings(
            top: "proxy: {remoteurl: 'http://\(upstream.address)\(path)'\(more)}", environment: environment)
        return try Server(settings, in: scratch, root: scratch["cache"])
    }

    private func blob(_ digest: String) -> String { "/v2/team/app/blobs/\(digest)" }

    /// Pulls the image, as clients do.
    private func pull(from cache: Server) throws {
        #expect(try cache.get(Self.tag).body == Self.image.manifest)
        #expect(try cache.get(blob(Self.image.layerDigest)).body == Self.image.layer)
        #expect(try cache.get(blob(Self.image.configDigest)).body == Self.image.config)
    }

    /// Checks that all of the image is served from the cache.
    private func expectCached(in cache: Server, sourceLocation: SourceLocation = #_sourceLocation) throws {
        for target in [Self.tag, "/v2/team/app/manifests/\(Self.image.digest)"] {
            #expect(try cache.get(target).body == Self.image.manifest, sourceLocation: sourceLocation)
            #expect(
                try cache.head(target)["docker-content-digest"] == Self.image.digest, sourceLocation: sourceLocation)
        }
        #expect(
            try cache.get(blob(Self.image.layerDigest)).body == Self.image.layer, sourceLocation: sourceLocation)
    }

    /// Requests that came since a moment, without those of the test itself.
    private func requests(after count: Int) throws -> [ScriptedRegistry.Request] {
        Array(try upstream.requests[count...])
    }

    // MARK: Refusals

    @Test(
        arguments: [
            ("always-429-60", 429, true), ("always-429", 429, true), ("always-503-30", 503, true),
            ("always-503", 503, false), ("always-500", 502, false), ("always-504", 504, false),
        ])
    func failuresOfTheUpstreamAreToldAsSuch(_ fault: String, _ status: Int, _ asksForPause: Bool) throws {
        let cache = try cache(", checkinterval: 0")
        try pull(from: cache)
        try upstream.become(fault)
        try expectCached(in: cache)
        #expect(try cache.get("/v2/team/app/tags/list").strings("tags") == ["latest"])
        let count = try upstream.requests.count
        for _ in 0..<3 { try expectCached(in: cache) }
        #expect(try requests(after: count).count < 3, "it is left alone")
        let absent = TinyImage("absent").digest
        for target in ["/v2/team/app/manifests/absent", blob(absent), "/v2/team/other/tags/list"] {
            let answer = try cache.get(target)
            #expect(answer.status == status, "\(target): \(answer.text)")
            #expect((1...60).contains(Int(answer["retry-after"] ?? "") ?? 0) == asksForPause)
            #expect(answer.codes == [status == 429 ? "TOOMANYREQUESTS" : "UNAVAILABLE"])
        }
        if fault.hasSuffix("0"), asksForPause {
            #expect(try requests(after: count).isEmpty, "it asked for a pause")
        }
        #expect(cache.log.contains("upstream is failing"))
    }

    @Test func pausesOfTheUpstreamKeepNobodyFromWhatIsCached() throws {
        let cache = try cache(", checkinterval: 0")
        try pull(from: cache)
        try upstream.become("always-429-25")
        let asking = try (0..<17).map { number in
            let conversation = try HTTPConversation(cache.address, patience: 10)
            try conversation.send(conversation.head("GET", blob(TinyImage("absent \(number)").digest)))
            return conversation
        }
        for _ in 0..<20 {
            let answer = try HTTPConversation(cache.address, patience: 5).request("GET", blob(Self.image.layerDigest))
            #expect(answer.body == Self.image.layer)
        }
        for conversation in asking { #expect(try conversation.response(to: "GET").status == 429) }
    }

    /// As docker-registry answers them.
    @Test(arguments: ["always-404", "always-401", "always-403"])
    func contentThatTheCacheMayNotSeeIsMissing(_ fault: String) throws {
        let cache = try cache(", checkinterval: 0")
        try pull(from: cache)
        try upstream.become(fault)
        try expectCached(in: cache)
        let absent = TinyImage("absent").digest
        for target in ["/v2/team/app/manifests/absent", "/v2/team/app/manifests/\(absent)", blob(absent)] {
            #expect(try cache.get(target).status == 404)
            #expect(try cache.head(target).status == 404)
        }
        #expect(try cache.get("/v2/team/other/tags/list").status == 404)
    }

    @Test func silenceIsWaitedForOnce() throws {
        let cache = try cache(", checkinterval: 0")
        try pull(from: cache)
        let count = try upstream.requestCount
        try upstream.become("silent")
        for _ in 0..<3 { try expectCached(in: cache) }
        try upstream.become()
        // Of twelve: a slow machine may need longer than one rest.
        #expect((1..<6).contains(try requests(after: count).filter { $0.path.hasPrefix("/v2/") }.count))
    }

    @Test(arguments: ["always-429-60", "always-500", "silent"])
    func cachedImagesAreServedRightAfterARestart(_ fault: String) throws {
        let cache = try cache()
        try pull(from: cache)
        cache.stop()
        try upstream.become(fault)
        try cache.start()
        try expectCached(in: cache)
        try upstream.become()
    }

    @Test func clientsThatGoDoNotWait() throws {
        let cache = try cache()
        try upstream.become("silent")
        let targets = ["/v2/a/manifests/gone-1", blob(TinyImage("gone").digest), "/v2/a/tags/list"]
        for target in targets {
            let client = try HTTPConversation(cache.address)
            try client.send(client.head("GET", target))
            client.finishSending()
            // It is told that it is not waited for, and not that nothing came in time.
            #expect(try client.response(to: "GET").status == 503)
        }
        try upstream.become()
    }

    // MARK: Requests

    @Test(
        arguments: [
            ("/artifactory/api/docker/remote/", ["below"]), ("/artifactory/api/docker/remote", ["below"]),
            ("/artifactory/api/docker/remote/", ["below", "token"]), ("/", []), ("", ["token"]),
        ])
    func thePathOfTheUpstreamIsHonoured(_ path: String, _ faults: [String]) throws {
        let cache = try cache(path: path)
        let count = try upstream.requests.count
        if !faults.isEmpty { try upstream.become(faults.joined(separator: ",")) }
        try pull(from: cache)
        #expect(try cache.get("/v2/team/app/tags/list").strings("tags") == ["latest"])
        let prefix = path.hasSuffix("/") ? path.dropLast() : path[...]
        #expect(
            try requests(after: count).allSatisfy {
                $0.path.hasPrefix(prefix + "/v2/") || $0.path.hasPrefix(prefix + "/token")
            })
    }

    @Test func headDownloadsNothing() throws {
        let cache = try cache()
        let count = try upstream.requests.count
        let layer = try cache.head(blob(Self.image.layerDigest))
        #expect(layer.status == 200 && layer["content-length"] == "300000")
        for reference in ["latest", Self.image.digest] {
            let manifest = try cache.head("/v2/team/app/manifests/\(reference)")
            #expect(manifest.status == 200 && manifest["content-length"] == "\(Self.image.manifest.count)")
            #expect(manifest["content-type"] == TinyImage.docker)
        }
        #expect(try requests(after: count).map(\.method) == ["HEAD", "HEAD", "HEAD"])
        // docker and containerd get the digest then, and the tag is known from now on.
        #expect(try cache.get("/v2/team/app/manifests/\(Self.image.digest)").body == Self.image.manifest)
        try upstream.become("always-500")
        cache.stop()
        try cache.start()
        #expect(try cache.get(Self.tag).body == Self.image.manifest)
    }

    /// Storage whose URL is signed for GET refuses HEAD.
    @Test func headOfABlobThatStorageRefusesIsAskedByGet() throws {
        let cache = try cache()
        try upstream.become("signed-blobs")
        for _ in 0..<2 {
            let layer = try cache.head(blob(Self.image.layerDigest))
            #expect(layer.status == 200 && layer["content-length"] == "300000")
        }
        #expect(try cache.head(blob(TinyImage("absent").digest)).status == 404)
        #expect(try cache.get(blob(Self.image.layerDigest)).body == Self.image.layer)
    }

    /// Storage labels a layer with its own compression; a proxy compresses a config on its way.
    @Test func contentCodingsOfBlobsAreUnderstood() throws {
        let packed = try Command.shell("seq 50000 | gzip -n9").output
        let image = TinyImage("coded", layer: Array(packed))
        try upstream.push(image, to: "coded", as: "1")
        let cache = try cache()
        try upstream.become("labelled-blobs")
        #expect(try cache.get("/v2/coded/blobs/\(image.layerDigest)").body == image.layer)
        try upstream.become("encoded-blobs,encoded-gzip")
        #expect(try cache.get("/v2/coded/blobs/\(image.configDigest)").body == image.config)
        #expect(try cache.get("/v2/coded/manifests/1").body == image.manifest)
    }

    /// Content that an account might see is not missing because its password is wrong.
    @Test(arguments: ["basic", "token,token-denied"]) func aWrongAccountIsAFailure(_ fault: String) throws {
        let cache = try cache(", username: someone, password: wrong-of-the-test")
        try upstream.become(fault)
        for target in [Self.tag, blob(Self.image.layerDigest), "/v2/team/app/tags/list"] {
            #expect(try cache.get(target).status == 502, "\(target)")
        }
        #expect(!cache.log.contains("wrong-of-the-test"))
    }

    /// One request for each page, whatever the links look like.
    @Test(arguments: ["", "pages-relative", "pages-absolute", "token"])
    func listsOfTagsCostOneRequestAPage(_ fault: String) throws {
        let tags = (0..<5).map { "t\($0)" }
        for tag in tags { try upstream.push(Self.image, to: "many", as: tag) }
        try upstream.become(fault)
        let cache = try cache()
        let count = try upstream.requests.count
        var (found, pages): ([String], Int) = ([], 0)
        var next: String? = "/v2/many/tags/list?n=\(fault.hasPrefix("pages") ? 1 : 2)&ns=docker.io"
        while let target = next, pages < 10 {
            let answer = try cache.get(target)
            #expect(answer.status == 200)
            found += answer.strings("tags") ?? []
            pages += 1
            next = answer.next
        }
        #expect(found == tags && pages == (fault.hasPrefix("pages") ? 5 : 3))
        let asked = try requests(after: count)
        #expect(
            asked.filter { $0.path.contains("/tags/") && $0.headers["authorization"] != nil || fault != "token" }.count
                == pages)
        #expect(asked.allSatisfy { !$0.path.contains("/manifests/") && !$0.path.contains("ns=") })
    }

    /// containerd names the registry that the mirror stands for.
    @Test func theNameOfTheMirroredRegistryIsAccepted() throws {
        let cache = try cache()
        #expect(try cache.get(Self.tag + "?ns=docker.io").body == Self.image.manifest)
        #expect(try cache.get(blob(Self.image.layerDigest) + "?ns=docker.io").body == Self.image.layer)
        #expect(try cache.request("POST", "/v2/team/app/blobs/uploads/?ns=docker.io").codes == ["UNSUPPORTED"])
    }

    // MARK: Accounts

    /// The user who runs the cache has logged in, and uses the cache.
    @Test(arguments: ["home/.docker/config.json", "docker/config.json", "auth.json", "run/containers/auth.json"])
    func loginsOfTheUserDoNotCount(_ file: String) throws {
        let auth = Data("user:s3cr3t-pass".utf8).base64EncodedString()
        try scratch.write(#"{"auths": {"\#(upstream.address)": {"auth": "\#(auth)"}}}"#, to: file)
        try scratch.write(
            """
            [[registry]]
            location = "\(upstream.address)"
            blocked = true
            """, to: "home/.config/containers/registries.conf")
        let environment = [
            "HOME": scratch["home"], "DOCKER_CONFIG": scratch["docker"], "REGISTRY_AUTH_FILE": scratch["auth.json"],
            "XDG_RUNTIME_DIR": scratch["run"],
        ]
        let cache = try cache("", environment)
        try upstream.become("basic")
        let count = try upstream.requests.count
        #expect(try cache.get(Self.tag).status == 404)
        #expect(try requests(after: count).allSatisfy { $0.authorization == nil })
        try upstream.become()
        try pull(from: cache)
    }

    /// - Parameter account: `PROGRAM` is a credential helper that knows the account.
    @Test(
        arguments: [
            (", username: user, password: s3cr3t-pass", 200), (", exec: {command: PROGRAM}", 200),
            (", exec: {command: PROGRAM, lifetime: 0}", 200), (", username: user, password: wrong-pass", 502),
            (", exec: {command: /nowhere/helper}", 404),
        ])
    func theConfiguredAccountIsUsed(_ account: String, _ status: Int) throws {
        try scratch.write(
            """
            #!/bin/sh
            read server
            echo "$1 $server" >> \(scratch["asked"])
            echo '{"ServerURL": "'$server'", "Username": "user", "Secret": "s3cr3t-pass"}'
            """, to: "helper")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: scratch["helper"])
        try upstream.become("basic")
        let cache = try cache(account.replacing("PROGRAM", with: scratch["helper"]))
        #expect(try cache.get(Self.tag).status == status)
        if account.contains("PROGRAM") {
            let asked = try String(contentsOfFile: scratch["asked"], encoding: .utf8).split(separator: "\n")
            #expect(Set(asked) == ["get \(upstream.address)"])
            #expect((asked.count == 1) == !account.contains("lifetime"))
        }
        #expect(!cache.log.contains("s3cr3t-pass") && !cache.log.contains("wrong-pass"))
    }

    // MARK: Content

    @Test(arguments: ["", "redirect", "cut-downloads", "no-length"])
    func lengthsAreTrue(_ fault: String) throws {
        let cache = try cache()
        try upstream.become(fault)
        for _ in 0..<2 {
            let answer = try cache.get(blob(Self.image.layerDigest))
            #expect(answer.body == Self.image.layer)
            if fault != "no-length" { #expect(answer["content-length"] == "300000") }
        }
        let part = try cache.get(blob(Self.image.layerDigest), [("Range", "bytes=100-199")])
        #expect(part.status == 206 && part.body.count == 100)
    }

    /// Lazy loading of layers asks for parts of blobs that no cache has yet.
    @Test(arguments: [
        ("bytes=100-199", 100..<200), ("bytes=299999-", 299_999..<300_000), ("bytes=-5", 299_995..<300_000),
    ])
    func partsOfNewBlobsAreServed(_ range: String, _ expected: Range<Int>) throws {
        let cache = try cache()
        let answer = try cache.get(blob(Self.image.layerDigest), [("Range", range)])
        #expect(answer.status == 206 && answer.body == Array(Self.image.layer[expected]))
        #expect(answer["content-range"] == "bytes \(expected.lowerBound)-\(expected.upperBound - 1)/300000")
        #expect(try cache.get(blob(Self.image.layerDigest)).body == Self.image.layer)
    }

    @Test func cachesCanBeChained() throws {
        let near = try cache()
        let far = try Server(
            .init(top: "proxy: {remoteurl: 'http://\(near.address)', checkinterval: 0}"), in: scratch,
            root: scratch["far"])
        #expect(try far.head(blob(Self.image.layerDigest))["content-length"] == "300000")
        try pull(from: far)
        try upstream.become("always-503-60")
        try pull(from: near)
        let absent = try far.get("/v2/team/app/manifests/absent")
        #expect(absent.status == 503 && Int(absent["retry-after"] ?? "").map { (1...60).contains($0) } == true)
        near.stop()
        try expectCached(in: far)
    }

    @Test(arguments: ["lying-blob", "short-blob", "long-blob", "no-length,short-blob", "no-length,lying-blob"])
    func wrongBlobsEndInABrokenConnection(_ faults: String) throws {
        let cache = try cache()
        try upstream.become(faults)
        #expect(throws: HTTPConversation.Failure.self) { try cache.get(blob(Self.image.layerDigest)) }
        #expect(cache.file(Server.blobPath(Self.image.layerDigest)) == nil)
        #expect(cache.files(below: "blobs").isEmpty)
        try upstream.become()
        #expect(try cache.get(blob(Self.image.layerDigest)).body == Self.image.layer)
    }

    @Test(arguments: ["lying-manifest", "endless-manifest", "not-json-manifest"])
    func wrongManifestsAreRefused(_ fault: String) throws {
        let cache = try cache()
        try upstream.become(fault)
        for reference in ["latest", Self.image.digest] {
            #expect(try cache.get("/v2/team/app/manifests/\(reference)").status == 502)
        }
        #expect(cache.files(below: "blobs").isEmpty)
        try upstream.become("lying-head")
        #expect(try cache.get(Self.tag).body == Self.image.manifest, "the digest of HEAD is only a claim")
    }

    @Test func oneHundredClientsShareOneDownload() async throws {
        let server = try cache()
        defer { withExtendedLifetime(server) {} }
        let count = try upstream.requests.count
        let (cache, target) = (Endpoint(server), blob(Self.image.layerDigest))
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<100 { group.addTask { try cache.get(target).body == Self.image.layer } }
            for try await isRight in group { #expect(isRight) }
        }
        #expect(try requests(after: count).filter { $0.path == target }.map(\.method) == ["GET"])
    }
}

extension ScriptedRegistry: Served {
    /// Everything is in memory.
    var root: String { "" }
}

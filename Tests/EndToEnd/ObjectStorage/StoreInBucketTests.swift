import Foundation
import ImageModel
import ObjectStorage
import Testing

/// Stores in buckets: `store:s3://`, and `dray serve` with `storage.s3`, beside the original on the same bucket.
@Suite(.serialized)
struct StoreInBucketTests {
    /// The files of a store in a directory, as a bucket has them: path and size.
    private func files(_ root: String) throws -> [String] {
        try Command.shell("cd \(root) && find docker -type f -printf '%p %s\\n' | sort").lines
    }

    private func objects(_ bucket: Bucket, _ prefix: String) async throws -> [String] {
        var found: [String] = []
        for try await page in bucket.list(prefix: "\(prefix)/docker/") {
            found += page.objects.map { "\($0.key.dropFirst(prefix.count + 1)) \($0.size)" }
        }
        return found.sorted()
    }

    /// Waits until the server's clock, which counts seconds, has moved on: content has to be older than its release.
    private func nextSecond(_ bucket: Bucket) async throws {
        try await bucket.check()
        let start = bucket.now
        while bucket.now <= start + 1 {
            try await Task.sleep(for: .milliseconds(50))
            try await bucket.check()
        }
    }

    @Test(arguments: S3Server.Kind.installed) func holdsWhatADirectoryHolds(_ kind: S3Server.Kind) async throws {
        let scratch = try Scratch()
        let server = try S3Server(kind, scratch: scratch)
        let bucket = try Bucket(server.options())
        try await bucket.create()
        let (root, layout) = try Samples.places(scratch)
        let store = "store:s3://images/team/reg"

        // From a stream and from files, one pass each, and again with nothing to do.
        let piped = try server.shell("cat \(scratch["app.tar"]) | $DRAY copy docker-archive:- \(store)")
        #expect(piped.status == 0, "\(piped.errors)")
        try server.succeed("copy", scratch["other.tar"], store)
        #expect(try await objects(bucket, "team/reg") == files(root))
        let again = try server.succeed("copy", "--output", "json", scratch["app.tar"], scratch["other.tar"], store)
        #expect(try again.rows().allSatisfy { $0.bytesMoved == 0 })

        // What reads a directory reads a bucket.
        let here = try Command.succeed("ls", "--output", "json", "store:\(root)").rows()
        #expect(try server.succeed("ls", "--output", "json", store).rows() == here && here.count == 2)
        #expect(try server.succeed("ls", "-q", "\(store):sample/app").lines == ["sample/app:1.0"])
        #expect(try server.succeed("inspect", "\(store):sample/app:1.0").text.contains("linux"))
        try server.succeed("verify", store)
        try server.succeed("inventory", store)
        try server.succeed("copy", store, "oci:\(scratch["back"])")
        #expect(try Command.shell("diff -r \(scratch["back"])/blobs \(layout)/blobs").status == 0)
        let missing = try server.dray("copy", "\(store):sample/none:1", "oci:\(scratch["none"])")
        #expect(missing.status == 4 && missing.errors.contains("sample/none"), "\(missing.errors)")

        // Tags, deletes, and what collections do of them.
        try server.succeed("tag", "\(store):sample/app:1.0", "2.0")
        try server.succeed("delete", "\(store):sample/app:2.0")
        try await nextSecond(bucket)
        try server.succeed("delete", "\(store):other/tool:2")
        let options = kind.honoursIfAbsent ? [] : ["--exclusive"]
        if !kind.honoursIfAbsent {
            let refused = try server.dray("gc", "-m", "--quarantine", "s3://images/team/reg")
            #expect(refused.status != 0 && refused.errors.contains("--exclusive"), "\(refused.errors)")
        }
        let before = try await objects(bucket, "team/reg")
        let dry = try server.succeed(["gc", "-m", "--dry-run", store])
        let collected = try server.succeed(["gc", "-m", "--quarantine", store] + options)
        #expect(try await objects(bucket, "team/reg").count < before.count)
        #expect(collected.text.contains("moved to quarantine") && dry.text.contains("1 manifests eligible"))
        try server.succeed("verify", store)
        try server.succeed(["gc", "--undo", "latest", store] + options)
        #expect(try await objects(bucket, "team/reg") == before)
        // What was put back is as new; a delete frees it again.
        let waiting = try server.succeed(["gc", "-m", "--grace", "0", store] + options)
        #expect(waiting.text.contains("kept by the grace time") && !waiting.text.contains("pass --grace"))
        try await nextSecond(bucket)
        let digest = try #require(here.first { $0.repository == "other/tool" }?.digest)
        try server.succeed("delete", "\(store):other/tool@\(digest)")
        try server.succeed(["gc", "-m", store] + options)
        let left = try await objects(bucket, "team/reg")
        #expect(left.count < before.count && left.allSatisfy { !$0.contains("other/tool/_manifests/revisions") })
        #expect(try server.succeed("ls", "-q", store).lines == ["sample/app:1.0"])
        try server.succeed("verify", store)
    }

    /// A directory's files, put under a prefix, are a store, and so are a bucket's objects in a directory.
    @Test func isADirectorysFilesUnderAPrefix() async throws {
        let scratch = try Scratch()
        let server = try S3Server(.ceph, scratch: scratch)
        let bucket = try Bucket(server.options())
        try await bucket.create()
        let (root, _) = try Samples.places(scratch)
        for file in try Command.shell("cd \(root) && find docker -type f").lines {
            try await bucket.put("copied/\(file)", Array(Data(contentsOf: URL(filePath: "\(root)/\(file)"))))
        }
        let here = try Command.succeed("ls", "--output", "json", "store:\(root)").rows()
        #expect(try server.succeed("ls", "--output", "json", "store:s3://images/copied").rows() == here)
        try server.succeed("verify", "store:s3://images/copied")
        try server.succeed("copy", "store:s3://images/copied", "store:s3://images")
        let target = scratch["synced"]
        for try await page in bucket.list(prefix: "docker/") {
            for object in page.objects {
                let path = "\(target)/\(object.key)"
                try FileManager.default.createDirectory(
                    atPath: URL(filePath: path).deletingLastPathComponent().path, withIntermediateDirectories: true)
                try Data(try await bucket.bytes(object.key, limit: 64 << 20) ?? []).write(to: URL(filePath: path))
            }
        }
        #expect(try Command.succeed("ls", "--output", "json", "store:\(target)").rows() == here)
        try Command.succeed("verify", "store:\(target)")
        #expect(try Command.succeed("gc", "--grace", "0", "--dry-run", target).text.contains("0 bytes"))
        // Damage is found, and put right from elsewhere.
        let blob = try #require(try await objects(bucket, "copied").first { $0.contains("/blobs/") })
        let key = "copied/\(blob.split(separator: " ")[0])"
        let size = try #require(try await bucket.head(key)).size
        try await bucket.put(key, [UInt8](repeating: 1, count: Int(size)))
        #expect(try server.dray("verify", "store:s3://images/copied").status == 3)
        let repaired = try server.dray("verify", "--repair-from", "store:\(root)", "store:s3://images/copied")
        #expect(repaired.status == 0, "\(repaired.errors) \(repaired.text)")
        try server.succeed("verify", "store:s3://images/copied")
    }

    /// Uploads that go from one server to another between their requests.
    @Test func uploadsGoOnAtAnyServer() async throws {
        let scratch = try Scratch()
        let s3 = try S3Server(.ceph, scratch: scratch)
        try await Bucket(s3.options()).create()
        let servers = try (0..<3).map { _ in
            try Server(.init(storage: "redirect: {disable: true}", bucket: s3.settings("many")), in: scratch)
        }
        var generator = SeededBytes(5)
        for (round, sizes) in [[1, 2, 3], [6 << 20, 1, 7 << 20, 3 << 20], [11 << 20, 11 << 20], []].enumerated() {
            var blob: [UInt8] = []
            var location = try servers[0].startUpload(in: "moving/on")
            for (number, size) in sizes.enumerated() {
                let piece = generator.bytes(size)
                let range = ("Content-Range", "\(blob.count)-\(blob.count + size - 1)")
                let answer = try servers[(round + number) % 3].request("PATCH", location, [range], body: .whole(piece))
                #expect(answer.status == 202, "\(round) \(number): \(answer.text)")
                blob += piece
                location = answer.location
                let state = try servers[(round + number + 1) % 3].get(location)
                #expect(state.status == 204 && state["Range"] == "0-\(blob.count - 1)", "\(state.text)")
            }
            let wrong = "digest=\(Digest(of: Array("x".utf8)))"
            let refused = try servers[2].request("PUT", adding(wrong, to: location))
            #expect(refused.status == 400, "\(refused.text)")
            let digest = Digest(of: blob)
            let done = try servers[(round + 1) % 3].request("PUT", adding("digest=\(digest)", to: location))
            #expect(done.status == 201, "\(round): \(done.text)")
            for server in servers {
                #expect(try server.get("/v2/moving/on/blobs/\(digest)").body == blob)
                if blob.count > 10 {
                    let part = try server.get("/v2/moving/on/blobs/\(digest)", [("Range", "bytes=2-5,8-9")])
                    #expect(part.status == 206)
                }
            }
        }
        // Nothing of them is left.
        let bucket = try Bucket(s3.options())
        #expect(try await objects(bucket, "many").allSatisfy { !$0.contains("_uploads") })
        var unfinished = 0
        try await bucket.unfinishedUploads(prefix: "") { unfinished += $0.count }
        #expect(unfinished == 0)
    }

    /// Large blobs are fetched from the bucket, by clients that follow.
    @Test func sendsClientsToTheBucket() async throws {
        let scratch = try Scratch()
        let s3 = try S3Server(.ceph, scratch: scratch)
        try await Bucket(s3.options()).create()
        let archive = try Samples.archive(scratch)
        try s3.succeed("copy", archive, "store:s3://images/redirected")
        for redirects in [true, false] {
            let server = try Server(
                .init(storage: redirects ? "" : "redirect: {disable: true}", bucket: s3.settings("redirected")),
                in: scratch)
            let pulled = try Command.shell(
                "skopeo copy -q --src-tls-verify=false docker://\(server.address)/sample/app:1.0 dir:\(scratch["pulled-\(redirects)"])"
            )
            #expect(pulled.status == 0, "\(pulled.errors)")
            #expect(server.accessLog.contains("\" 307 ") == redirects)
            let own = try Command.dray(
                "copy", "--plain-http", "docker://\(server.address)/sample/app:1.0",
                "oci:\(scratch["own-\(redirects)"])")
            #expect(own.status == 0, "\(own.errors)")
        }
    }

    /// What copies and pushes through two servers say is done is there, beside a collection that never stops.
    @Test func nothingIsLostBesideACollection() async throws {
        let scratch = try Scratch()
        let s3 = try S3Server(.ceph, scratch: scratch)
        try await Bucket(s3.options()).create()
        for number in 1...2 {
            _ = try Samples.archive(scratch, name: "\(number).tar", image: "sample/\(number):1", mebibytes: number)
        }
        let servers = try (0..<2).map { _ in try Server(.init(bucket: s3.settings("busy")), in: scratch) }
        let rounds = Samples.isLong ? 100 : 8
        let result = try s3.shell(
            """
            cd \(scratch.path)
            store=s3://images/busy
            ( until [ -e stop ]; do
                $DRAY gc -m --grace 0 $store > collected 2> errors || { grep -q 'no keys below' errors || cat errors >> failed; }
                grep -o '[1-9][0-9]* blobs and' collected >> collections
            done ) &
            collector=$!
            direct() {
                for round in $(seq \(rounds)); do
                    tries=0
                    until $DRAY copy -q 1.tar store:$store:direct/app:$round > /dev/null 2> direct.log; do
                        tries=$((tries + 1)); [ $tries -lt 40 ] || { cat direct.log >> failed; break; }
                    done
                    $DRAY inspect store:$store:direct/app:$round > /dev/null 2>> failed
                    $DRAY delete store:$store:direct/app:$round > /dev/null 2>> failed.delete || echo delete >> failed
                done
            }
            pushes() {
                for round in $(seq \(rounds)); do
                    tries=0
                    until skopeo copy -q --dest-tls-verify=false docker-archive:2.tar docker://$1/pushed/$2:$round > /dev/null 2> push.$2; do
                        tries=$((tries + 1)); [ $tries -lt 40 ] || { cat push.$2 >> failed; break; }
                    done
                done
            }
            direct & one=$!
            pushes \(servers[0].address) a & two=$!
            pushes \(servers[1].address) b & three=$!
            wait $one $two $three
            touch stop
            wait $collector || true
            """)
        let failed = (try? String(contentsOfFile: scratch["failed"], encoding: .utf8)) ?? ""
        #expect(failed.isEmpty && result.status == 0, "\(failed.prefix(2000)) \(result.errors.prefix(1000))")
        let collections = (try? String(contentsOfFile: scratch["collections"], encoding: .utf8)) ?? ""
        #expect(!collections.isEmpty)
        let checked = try Command.script("Tests/check-registry", [servers[0].address])
        #expect(checked.status == 0 && checked.text.trimmed == "\(2 * rounds)", "\(checked.errors) \(checked.text)")
        try s3.succeed("verify", "store:s3://images/busy")
    }
}

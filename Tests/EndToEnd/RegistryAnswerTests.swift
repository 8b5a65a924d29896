import Foundation
import Testing

/// What registries answer that is a little different, and what is asked of them at all.
struct RegistryAnswerTests {
    private let scratch: Scratch
    private let archive: String
    private let layout: String

    init() throws {
        scratch = try Scratch()
        archive = try Samples.archive(scratch)
        layout = "oci:\(scratch["layout"]):1"
        try Command.succeed("copy", archive, layout)
    }

    @Test(arguments: [
        ("maintenance", ["503", "maintenance until noon", "try again later"]),
        ("words", ["403", "your address is not on the list"]),
    ])
    func theRegistrysWordsAreShown(_ fault: String, _ words: [String]) throws {
        let registry = try ScriptedRegistry([fault], scratch: scratch)
        let result = try Command.dray("digest", "--retry-times", "0", "docker://\(registry.address)/app:1")
        for word in words { #expect(result.errors.contains(word), "\(result.errors)") }
    }

    @Test func advice() throws {
        let nested = try ScriptedRegistry(["nested"], scratch: scratch)
        let deep = try Command.dray("copy", layout, "docker://\(nested.address)/a/b/c:1")
        #expect(deep.status == 1 && deep.errors.contains("needs a shorter one"), "\(deep.errors)")
        let long = try ScriptedRegistry(["endless-manifest"], scratch: scratch)
        try Command.succeed("copy", layout, "docker://\(long.address)/app:1")
        let pull = try Command.dray("copy", "docker://\(long.address)/app:1", "oci:\(scratch["pulled"])")
        #expect(pull.status == 3 && pull.errors.contains("4 MiB"), "\(pull.errors)")
    }

    /// Content that many registries do not take.
    @Test func adviceOnContent() throws {
        try scratch.write(
            """
            import hashlib, json, os, sys
            def layout(root, algorithm, sparse):
                os.makedirs(f"{root}/blobs/{algorithm}")
                def put(data, kind):
                    name = hashlib.new(algorithm, data).hexdigest()
                    open(f"{root}/blobs/{algorithm}/{name}", "wb").write(data)
                    return {"mediaType": kind, "digest": f"{algorithm}:{name}", "size": len(data)}
                oci = "application/vnd.oci.image."
                config = put(b"{}", "application/vnd.oci.empty.v1+json")
                entry = put(json.dumps({"schemaVersion": 2, "mediaType": oci + "manifest.v1+json", "config": config,
                    "artifactType": "a/b", "layers": [put(b"hello", "text/plain")]}).encode(), oci + "manifest.v1+json")
                if sparse:
                    child = {"mediaType": oci + "manifest.v1+json", "digest": "sha256:" + "9" * 64, "size": 5,
                        "platform": {"os": "linux", "architecture": "arm64"}}
                    entry = put(json.dumps({"schemaVersion": 2, "mediaType": oci + "index.v1+json",
                        "manifests": [entry, child]}).encode(), oci + "index.v1+json")
                entry["annotations"] = {"org.opencontainers.image.ref.name": "1"}
                json.dump({"schemaVersion": 2, "manifests": [entry]}, open(f"{root}/index.json", "w"))
                json.dump({"imageLayoutVersion": "1.0.0"}, open(f"{root}/oci-layout", "w"))
            layout(sys.argv[1] + "/sparse", "sha256", True)
            layout(sys.argv[1] + "/long", "sha512", False)
            """, to: "layouts.py")
        try #require(try Command.shell("python3 \(scratch["layouts.py"]) \(scratch.path)").status == 0)
        let registry = try ScriptedRegistry(["no-sha512"], scratch: scratch)
        let sparse = try Command.dray("copy", "oci:\(scratch["sparse"]):1", "docker://\(registry.address)/a:1")
        #expect(sparse.status == 3 && sparse.errors.contains("--platform present"), "\(sparse.errors)")
        let long = try Command.dray("copy", "oci:\(scratch["long"]):1", "docker://\(registry.address)/b:1")
        #expect(long.status == 1 && long.errors.contains("no digests but sha256"), "\(long.errors)")
    }

    @Test(arguments: [["put-200"], ["referrers-403"], ["put-200", "no-put-body"]])
    func oddAnswersWillDo(_ faults: [String]) throws {
        let registry = try ScriptedRegistry(faults, scratch: scratch)
        let target = "docker://\(registry.address)/app:1"
        let push = try Command.dray("copy", layout, target)
        #expect(push.status == 0, "\(push.errors)")
        let pull = try Command.dray("copy", "--strict", target, "oci:\(scratch["pulled"]):1")
        #expect(pull.status == 0, "\(pull.errors)")
        if faults == ["referrers-403"] { #expect(pull.errors.contains("no referrers for you"), "\(pull.errors)") }
    }

    @Test func catalogsMayHoldAnything() throws {
        let registry = try ScriptedRegistry(["orphan", "odd-catalog"], scratch: scratch)
        try Command.succeed("copy", layout, "docker://\(registry.address)/app:1")
        let list = try Command.dray("ls", "--output", "json", "docker://\(registry.address)")
        #expect(try list.status == 0 && list.rows().count == 1, "\(list.errors)")
        #expect(list.errors.contains("No/Such Name"), "\(list.errors)")
        try Command.succeed("copy", "docker://\(registry.address)", "store:\(scratch["all"])")
    }

    @Test func tagsOfOneManifestGoTogether() throws {
        let registry = try ScriptedRegistry(["no-tag-delete"], scratch: scratch)
        let target = "docker://\(registry.address)/app"
        try Command.succeed("copy", layout, "\(target):1")
        try Command.succeed("tag", "\(target):1", "2")
        let result = try Command.dray("delete", "--all", "--all-tags", target)
        #expect(result.status == 0, "\(result.errors)")
        #expect(try Command.dray("digest", "\(target):2").status == 4)
    }

    /// The index of referrers is others' as well.
    @Test(.enabled(if: Fixtures.arePresent)) func fallbackIndexesAreSharedWithOthers() throws {
        let registry = try ScriptedRegistry(["no-referrers", "etags"], scratch: scratch)
        let target = "docker://\(registry.address)/command/artifacts"
        let source = "store:\(Fixtures.path)/registry-store-artifacts.tar.gz:command/artifacts:foobar"
        let push = try Command.dray("copy", source, "\(target):foobar")
        #expect(push.status == 0, "\(push.errors)")
        #expect(try Command.succeed("inspect", "--output", "json", "\(target):foobar").text.contains("test/sbom.file"))
        let puts = try registry.requests.filter { $0.method == "PUT" && $0.path.contains("/manifests/sha256-") }
        // Whoever finds something there says what it was.
        let first = Dictionary(grouping: puts, by: \.path).values.map(\.first)
        #expect(!puts.isEmpty && first.allSatisfy { $0?.headers["if-match"] == nil })
        #expect(puts.count == first.count || puts.contains { $0.headers["if-match"] != nil }, "\(puts)")
    }

    // MARK: From one registry to another

    /// When all is there, it is looked for, and nothing more.
    @Test func whatIsThereIsOnlyLookedFor() throws {
        let source = try ScriptedRegistry([], scratch: scratch)
        let target = try ScriptedRegistry([], scratch: scratch)
        let (from, to) = ("docker://\(source.address)/app:1", "docker://\(target.address)/app:1")
        try Command.succeed("copy", layout, from)
        try Command.succeed("copy", "--strict", from, to)
        let before = (try source.requests.count, try target.requests.count)
        // No manifest, no config and no layer was fetched twice.
        let gets = try source.requests.filter { $0.method == "GET" && $0.path.contains("/manifests/") }.map(\.path)
        #expect(Set(gets).count == gets.count, "\(gets)")

        let again = try Command.succeed("copy", "--output", "json", from, to).rows()
        #expect(again.first?.kept == true && again.first?.bytesMoved == 0)
        for (registry, count) in [(source, before.0), (target, before.1)] {
            let sent = try registry.requests.dropFirst(count).filter { $0.path != "/v2/" && $0.method != "HEAD" }
            let lists = sent.filter { $0.path.contains("/referrers/") || $0.path.contains("/tags/list") }
            #expect(sent.count == lists.count && lists.count <= 2, "\(sent.map(\.path))")
        }
        // What refers to it since then comes along.
        try scratch.write(
            """
            {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"test/new",
            "config":{"mediaType":"application/vnd.oci.empty.v1+json","size":2,
            "digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},"layers":[],
            "subject":{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":1,"digest":"\(again[0].digest)"}}
            """, to: "referrer.json")
        let put = try Command.shell(
            "L=$(curl -sD- -o/dev/null -XPOST http://\(source.address)/v2/app/blobs/uploads/ | tr -d '\\r' | sed -n 's/^Location: //p'); "
                + "curl -sfXPUT --data-binary '{}' -H 'Content-Type: application/octet-stream' "
                + "\"$L&digest=sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\" && "
                + "curl -sfXPUT --data-binary @\(scratch["referrer.json"]) -H 'Content-Type: application/vnd.oci.image.manifest.v1+json' "
                + "http://\(source.address)/v2/app/manifests/sha256:$(sha256sum < \(scratch["referrer.json"]) | cut -c1-64)"
        )
        try #require(put.status == 0, "\(put.errors)")
        try Command.succeed("copy", from, to)
        #expect(try Command.succeed("inspect", "--output", "json", to).text.contains("test/new"))
    }

    // MARK: Proxies

    @Test func plainHTTPGoesThroughAProxy() throws {
        let registry = try ScriptedRegistry(["basic"], scratch: scratch)
        try scratch.write("user:s3cr3t-pass\n", to: "creds")
        let port = String(registry.address.split(separator: ":")[1])
        let proxy = try Helper("web-proxy", [port, "--account", "me:p%", "--log", scratch["proxy.log"]])
        let dray =
            "$DRAY copy --plain-http --retry-times 0 --creds \(scratch["creds"]) \(layout) docker://registry.test/app:1"
        let good = try Command.shell("HTTP_PROXY=http://me:p%25@127.0.0.1:\(proxy.port) \(dray)")
        #expect(good.status == 0, "\(good.errors)")
        let lines = try Command.shell("cut -d' ' -f1,2 \(scratch["proxy.log"])").lines
        #expect(!lines.isEmpty && lines.allSatisfy { $0.contains(" http://registry.test/v2/") }, "\(lines)")
        let bad = try Command.shell("HTTP_PROXY=http://127.0.0.1:\(proxy.port) \(dray)")
        #expect(bad.status == 1 && bad.errors.contains("407") && bad.errors.contains("USER:PASSWORD"), "\(bad.errors)")
        let none = try Command.shell("NO_PROXY=.test HTTP_PROXY=http://127.0.0.1:\(proxy.port) \(dray)")
        #expect(none.status == 1 && none.errors.contains("cannot be reached"), "\(none.errors)")
    }

    /// The proxy looks up names, which this machine need not know.
    @Test(arguments: ["socks5h", "socks5"]) func socksProxies(_ scheme: String) async throws {
        try scratch.makeCertificate("server", alsoFor: "registry.test")
        let plain = try ScriptedRegistry([], scratch: scratch)
        let encrypted = try await Registry(
            serving: scratch["root"], scratch: scratch,
            tls: "{certificate: \(scratch["server.crt"]), key: \(scratch["server.key"])}")
        for (address, options) in [
            (plain.address, "--plain-http"), (encrypted.address, "--ca-file \(scratch["server.crt"])"),
        ] {
            let port = String(address.split(separator: ":")[1])
            let proxy = try Helper("web-proxy", [port, "--socks", "--log", scratch["socks.log"]])
            let result = try Command.shell(
                "ALL_PROXY=\(scheme)://127.0.0.1:\(proxy.port) $DRAY copy --retry-times 0 \(options) \(layout) "
                    + "docker://registry.test/app:1")
            #expect(result.status == 0, "\(result.errors)")
        }
        let lines = Set(try Command.shell("cat \(scratch["socks.log"])").lines)
        #expect(lines == ["SOCKS registry.test:80", "SOCKS registry.test:443"], "\(lines)")
        let closed = try Helper("web-proxy", ["1", "--socks", "--account", "me:p"])
        let refused = try Command.shell(
            "HTTP_PROXY=\(scheme)://127.0.0.1:\(closed.port) $DRAY digest --retry-times 0 --plain-http "
                + "docker://registry.test/app:1")
        #expect(refused.status == 1 && refused.errors.contains("SOCKS proxy requires"), "\(refused.errors)")
    }

    /// TLS to the proxy, and through it to registries with and without TLS.
    @Test func proxiesThatAreReachedByTLS() async throws {
        try scratch.makeCertificate("server", alsoFor: "registry.test")
        try scratch.makeCertificate("other")
        let plain = try ScriptedRegistry([], scratch: scratch)
        let encrypted = try await Registry(
            serving: scratch["root"], scratch: scratch,
            tls: "{certificate: \(scratch["server.crt"]), key: \(scratch["server.key"])}")
        for (address, options) in [(plain.address, "--plain-http"), (encrypted.address, "")] {
            let port = String(address.split(separator: ":")[1])
            func proxy(_ name: String) throws -> Helper {
                try Helper(
                    "web-proxy",
                    [
                        port, "--account", "me:p%", "--log", scratch["proxy.log"], "--certificate",
                        scratch["\(name).crt"], scratch["\(name).key"],
                    ])
            }
            func dray(_ proxy: String) throws -> Command {
                try Command.shell(
                    "ALL_PROXY=\(proxy) SSL_CERT_FILE=\(scratch["server.crt"]) $DRAY copy --retry-times 0 \(options) "
                        + "\(layout) docker://registry.test/app:1")
            }
            let trusted = try proxy("server")
            let good = try dray("https://me:p%25@localhost:\(trusted.port)")
            #expect(good.status == 0, "\(good.errors)")
            let anonymous = try dray("https://localhost:\(trusted.port)")
            #expect(anonymous.status == 1 && anonymous.errors.contains("USER:PASSWORD"), "\(anonymous.errors)")
            let unknown = try proxy("other")
            let bad = try dray("https://localhost:\(unknown.port)")
            #expect(bad.status == 1 && bad.errors.contains("HTTPS proxy: the server's certificate"), "\(bad.errors)")
            let none = try dray("https://localhost:1")
            #expect(none.status == 1 && none.errors.contains("HTTPS proxy: it cannot be reached"), "\(none.errors)")
        }
        let lines = try Command.shell("cut -d' ' -f1,2 \(scratch["proxy.log"])").lines
        #expect(lines.contains("CONNECT registry.test:443"), "\(lines)")
        #expect(lines.contains { $0.contains(" http://registry.test/v2/") }, "\(lines)")
    }

    // MARK: Families of manifests

    /// A registry that takes OCI's alone, as zot does by default: what dray makes is made anew, and found again.
    @Test(arguments: ["oci-only", "oci-only-415"]) func registriesThatRefuseSchema2(_ fault: String) throws {
        let registry = try ScriptedRegistry([fault], scratch: scratch)
        let host = "docker://\(registry.address)"
        let other = try Samples.archive(scratch, name: "other.tar", image: "other/app:1", mebibytes: 1)
        let push = try Command.dray("copy", "--output", "json", "--jobs", "1", archive, other, "\(host)/")
        #expect(push.status == 0 && push.errors.contains("pushed as OCI"), "\(push.errors)")
        // One refusal is enough to know.
        let types = try registry.requests.filter { $0.method == "PUT" && $0.path.contains("/manifests/") }.compactMap {
            $0.headers["content-type"]
        }
        #expect(types.map { $0.contains("docker") } == [true, false, false], "\(types)")
        let rows = try push.rows()
        #expect(
            try rows.first?.digest == Command.succeed("digest", "\(host)/sample/app:1.0").text.trimmed, "\(push.text)")
        let pulled = "oci:\(scratch["pulled"])"
        try Command.succeed("copy", "--strict", "\(host)/sample/app:1.0", pulled)
        let again = try Command.dray("copy", archive, "\(host)/")
        #expect(again.status == 0, "\(again.errors)")
        // Packed layers in the archive: then nothing but the manifest is dray's.
        try Command.succeed("copy", pulled, "docker-archive:\(scratch["packed.tar"])")
        let packed = try Command.dray("copy", "docker-archive:\(scratch["packed.tar"])", "\(host)/packed/app:1")
        #expect(packed.status == 0, "\(packed.errors)")
    }

    @Test(arguments: ["oci-only", "oci-only-415"]) func theOptionIsNamedWhereSchema2IsRefused(_ fault: String) throws {
        let registry = try ScriptedRegistry([fault], scratch: scratch)
        let target = "docker://\(registry.address)/app:1"
        let docker = "oci:\(scratch["docker"])"
        try Command.succeed("copy", "--format", "docker", layout, docker)
        let kept = try Command.dray("copy", docker, target)
        #expect(kept.status == 1 && kept.errors.contains("--format oci"), "\(kept.errors)")
        #expect(try Command.dray("digest", target).status == 4)
        let strict = try Command.dray("copy", "--compression", "keep", "--strict", archive, target)
        #expect(strict.status == 1, "\(strict.errors)")
        let wanted = try Command.dray("copy", "--format", "docker", archive, target)
        #expect(wanted.status == 1 && wanted.errors.contains("--format oci"), "\(wanted.errors)")
        try Command.succeed("copy", "--format", "oci", docker, target)
    }

    /// TLS through CONNECT, with a certificate of this side.
    @Test func clientCertificatesAreShown() async throws {
        try scratch.makeCertificate("server", alsoFor: "registry.test")
        let registry = try await Registry(
            serving: scratch["root"], scratch: scratch,
            tls:
                "{certificate: \(scratch["server.crt"]), key: \(scratch["server.key"]), clientcas: [\(scratch["server.crt"])]}"
        )
        let target = "docker://\(registry.address)/app:1"
        let own = "--cert \(scratch["server.crt"]) --key \(scratch["server.key"])"
        let shown = try Command.shell("$DRAY copy --ca-file \(scratch["server.crt"]) \(own) \(layout) \(target)")
        #expect(shown.status == 0, "\(shown.errors)")
        let none = try Command.shell("$DRAY digest --retry-times 0 --ca-file \(scratch["server.crt"]) \(target)")
        #expect(none.status == 1 && none.errors.contains("--cert"), "\(none.errors)")

        let port = String(registry.address.split(separator: ":")[1])
        let proxy = try Helper("web-proxy", [port, "--log", scratch["proxy.log"]])
        let through = try Command.shell(
            "HTTPS_PROXY=http://127.0.0.1:\(proxy.port) $DRAY digest --ca-file \(scratch["server.crt"]) \(own) docker://registry.test/app:1"
        )
        #expect(through.status == 0, "\(through.errors)")
        #expect(try Command.shell("cat \(scratch["proxy.log"])").text.contains("CONNECT registry.test:443"))
    }
}

import Foundation
import Testing

/// Debian's docker-registry, in each way that it is run: dray, skopeo and podman have to agree on what is in it.
struct RegistryTests {
    /// A registry and what it takes to get in.
    private final class Setup {
        let registry: Registry
        let serving: Serving
        let address: String

        init(_ way: WayOfServing, _ scratch: Scratch) async throws {
            serving = try Serving(way, scratch)
            registry = try await Registry(
                serving: scratch["root"], scratch: scratch, extra: serving.top, tls: serving.tls)
            address = try serving.entrance(to: registry.address)
        }
    }

    @Test(arguments: WayOfServing.allCases)
    func everythingGoesThereAndBack(_ way: WayOfServing) async throws {
        let scratch = try Scratch()
        let setup = try await Setup(way, scratch)
        let archive = try Samples.archive(scratch, mebibytes: 8)
        let host = "docker://\(setup.address)"
        func dray(_ arguments: String..., status: Int32 = 0) throws -> Command {
            let result = try Command.dray([arguments[0]] + setup.serving.options + arguments.dropFirst())
            #expect(result.status == status, "\(way) \(arguments): \(result.errors)")
            return result
        }
        // From every local transport and back.
        let digest = try #require(
            try dray("copy", "--output", "json", archive, "\(host)/team/app:1").rows().first?.digest)
        for place in [
            "oci:\(scratch["layout"])", "oci-archive:\(scratch["oci.tar"])", "docker-archive:\(scratch["d.tar"])",
            "store:\(scratch["store"])",
        ] {
            _ = try dray("copy", "--strict", "\(host)/team/app:1", place)
            #expect(try Command.succeed("digest", place).text.trimmed == digest)
            let name = String(place.prefix { $0 != ":" })
            _ = try dray("copy", "--strict", "--compression", "keep", place, "\(host)/from/\(name):1")
            #expect(try dray("digest", "\(host)/from/\(name):1").text.trimmed == digest)
        }
        _ = try dray("copy", "--strict", "\(host)/team/app:1", "dir:\(scratch["dir"])")

        // Lists, names, deleting.
        let names = try dray("ls", "--output", "json", host).rows().map(\.name)
        #expect(names.contains { $0.hasSuffix("team/app:1") } && names.count == 5, "\(names)")
        _ = try dray("copy", "\(host)/team/app:1", "\(host)/second/app:1")
        _ = try dray("tag", "\(host)/second/app:1", "stable")
        #expect(try dray("ls", "--output", "json", "\(host)/second/app").rows().compactMap(\.tag) == ["1", "stable"])
        _ = try dray("delete", "\(host)/second/app@\(digest)")
        _ = try dray("digest", "\(host)/second/app:1", status: 4)
        let config = try dray("inspect", "--config", "\(host)/team/app:1").output
        #expect(try Command.succeed("inspect", "--config", "oci:\(scratch["layout"])").output == config)
        #expect(try setup.registry.garbage().isEmpty)

        // skopeo takes what dray brought, and dray what skopeo brought.
        let pull = try Command.shell(
            "skopeo copy -q \(setup.serving.source) \(host)/team/app:1 dir:\(scratch["pulled"]) && "
                + "sha256sum < \(scratch["pulled"])/manifest.json")
        #expect(pull.status == 0 && "sha256:\(pull.text.prefix(64))" == digest, "\(pull.errors)")
        let push = try Command.shell(
            "skopeo copy -q \(setup.serving.destination) --digestfile \(scratch["digest"]) docker-archive:\(archive) "
                + "\(host)/skopeo/app:1 && cat \(scratch["digest"])")
        #expect(push.status == 0, "\(push.errors)")
        _ = try dray("copy", "--strict", "\(host)/skopeo/app:1", "oci:\(scratch["theirs"])")
        #expect(try Command.succeed("digest", "oci:\(scratch["theirs"])").text.trimmed == push.text.trimmed)
    }

    @Test func podmanAgrees() async throws {
        let scratch = try Scratch()
        let setup = try await Setup(.plain, scratch)
        let archive = try Samples.archive(scratch)
        let digest = try #require(
            try Command.succeed("copy", "--output", "json", archive, "docker://\(setup.address)/app:1").rows().first?
                .digest)
        let podman = "podman --storage-driver vfs --root \(scratch["podman"]) --runroot \(scratch["run"])"
        let result = try Command.shell(
            "\(podman) pull -q --tls-verify=false \(setup.address)/app:1 && \(podman) images --digests --format '{{.Digest}}' && "
                + "\(podman) push -q --tls-verify=false \(setup.address)/app:1 \(setup.address)/back:1")
        #expect(result.status == 0 && result.text.contains(digest), "\(result.errors)")
        try Command.succeed("copy", "docker://\(setup.address)/back:1", "oci:\(scratch["layout"])")
        #expect(
            try Command.succeed("inspect", "--config", "oci:\(scratch["layout"])").output
                == Command.succeed("inspect", "--config", "docker://\(setup.address)/app:1").output)
        _ = try Command.shell("\(podman) rmi -af; chmod -R u+w \(scratch["podman"])")
    }

    @Test(.enabled(if: Fixtures.arePresent)) func everyFixtureComesBackByteForByte() async throws {
        let scratch = try Scratch()
        let setup = try await Setup(.plain, scratch)
        for (number, fixture) in Fixtures.references.enumerated() {
            let place = "docker://\(setup.address)"
            // What is compressed as a whole tells its names too late.
            var source = fixture
            if fixture.hasSuffix(".gz"), let colon = fixture.firstIndex(of: ":") {
                source = "\(fixture[..<colon]):\(scratch["\(number).tar"])"
                let path = fixture[fixture.index(after: colon)...]
                try #require(try Command.shell("gunzip -c \(path) > \(scratch["\(number).tar"])").status == 0)
            }
            let pushed = try Command.succeed("copy", "--output", "json", "--prefix", "f\(number)", source, place).rows()
            #expect(!pushed.isEmpty)
            for row in Set(pushed) {
                let raw = try Command.shell(
                    "$DRAY manifest \(place)/\(row.repository ?? "")@\(row.digest) | sha256sum"
                ).text
                #expect("sha256:\(raw.prefix(64))" == row.digest)
                try Command.succeed(
                    "copy", "--strict", "\(place)/\(row.repository ?? "")@\(row.digest)", "store:\(scratch["back"])")
            }
        }
        let sums = "docker/registry/v2/blobs && find . -type f | sort | xargs sha256sum"
        let there = try Command.shell("cd \(scratch["root"])/\(sums)").lines
        let back = try Command.shell("cd \(scratch["back"])/\(sums)").lines
        #expect(Set(back).isSubset(of: there) && back.count > 100, "\(back.count) of \(there.count)")
    }

    @Test func mirrorsAreAskedFirst() async throws {
        let scratch = try Scratch()
        let setup = try await Setup(.plain, scratch)
        let archive = try Samples.archive(scratch)
        try Command.succeed("copy", archive, "docker://\(setup.address)/copies/app:1")
        try Command.succeed("copy", archive, "docker://\(setup.address)/real/other:1")
        try scratch.write(
            """
            [[registry]]
            prefix = "images.example/lib"
            location = "\(setup.address)/real"
            [[registry.mirror]]
            location = "127.0.0.1:1/nobody"
            [[registry.mirror]]
            location = "\(setup.address)/copies"
            """, to: "registries.conf")
        let dray = "CONTAINERS_REGISTRIES_CONF=\(scratch["registries.conf"]) $DRAY"
        for name in ["app", "other"] {
            let pull = try Command.shell(
                "\(dray) copy --retry-times 0 docker://images.example/lib/\(name):1 oci:\(scratch[name])")
            #expect(pull.status == 0 && pull.errors.contains("passed over"), "\(pull.errors)")
        }
        // What is pushed goes to the place itself.
        let push = try Command.shell("\(dray) copy oci:\(scratch["app"]) docker://images.example/lib/pushed:1")
        #expect(push.status == 0, "\(push.errors)")
        try Command.succeed("digest", "docker://\(setup.address)/real/pushed:1")
    }

    @Test func certificatesAreChecked() async throws {
        let scratch = try Scratch()
        let setup = try await Setup(.tls, scratch)
        let target = "docker://\(setup.address)/app:1"
        let archive = try Samples.archive(scratch)
        let home = "HOME=\(scratch["home"])"
        // On loopback, plain HTTP would do; a certificate that is not trusted does not.
        let refused = try Command.shell("\(home) $DRAY copy --retry-times 0 \(archive) \(target)")
        #expect(refused.status == 1 && !refused.errors.isEmpty)
        try Command.succeed("copy", "--tls-verify=false", archive, target)
        let directory = "\(scratch["home"])/.config/containers/certs.d/\(setup.address)"
        let trusted = try Command.shell(
            "mkdir -p \(directory); cp \(scratch["server.crt"]) \(directory)/ca.crt; \(home) $DRAY digest \(target)")
        #expect(trusted.status == 0, "\(trusted.errors)")
        let byVariable = try Command.shell("SSL_CERT_FILE=\(scratch["server.crt"]) $DRAY digest \(target)")
        #expect(byVariable.status == 0, "\(byVariable.errors)")
    }

    @Test func loginIsCheckedAndKept() async throws {
        let scratch = try Scratch()
        let setup = try await Setup(.htpasswd, scratch)
        let archive = try Samples.archive(scratch)
        let target = "docker://\(setup.address)/app:1"
        let docker = "DOCKER_CONFIG=\(scratch["docker"])"
        let wrong = try Command.shell("echo nonsense | \(docker) $DRAY login -u user --password-stdin \(setup.address)")
        #expect(wrong.status == 5 && scratch.files(below: "docker").isEmpty, "\(wrong.errors)")
        let login = try Command.shell(
            "echo s3cr3t-pass | \(docker) $DRAY login -u user --password-stdin \(setup.address)")
        #expect(login.status == 0 && !login.text.contains("s3cr3t"), "\(login.errors)")
        #expect(try Command.shell("stat -c %a \(scratch["docker"])/config.json").text.trimmed == "600")
        // skopeo reads what dray keeps, and dray what skopeo keeps.
        #expect(try Command.shell("\(docker) $DRAY copy \(archive) \(target)").status == 0)
        let skopeo = try Command.shell(
            "HOME=/nowhere \(docker) XDG_RUNTIME_DIR=\(scratch["none"]) skopeo inspect --tls-verify=false \(target)")
        #expect(skopeo.status == 0, "\(skopeo.errors)")
        #expect(
            try Command.shell("\(docker) $DRAY logout \(setup.address) && ! \(docker) $DRAY digest \(target)").status
                == 0)
        let theirs = try Command.shell(
            "skopeo login -u user -p s3cr3t-pass --tls-verify=false --authfile \(scratch["auth.json"]) \(setup.address) && "
                + "REGISTRY_AUTH_FILE=\(scratch["auth.json"]) $DRAY digest \(target)")
        #expect(theirs.status == 0, "\(theirs.errors)")

        // A credential helper.
        try scratch.write(
            """
            #!/bin/sh
            file=\(scratch["helper.json"])
            case $1 in
            store) cat > $file ;;
            get) if [ -f $file ]; then cat $file; else echo "credentials not found in native keychain"; exit 1; fi ;;
            erase) rm -f $file ;;
            esac
            """, to: "bin/docker-credential-test")
        try scratch.write("{\"credsStore\": \"test\", \"HttpHeaders\": {\"X\": \"y\"}}", to: "helped/config.json")
        let helped = "PATH=\(scratch["bin"]):$PATH DOCKER_CONFIG=\(scratch["helped"])"
        let stored = try Command.shell(
            "chmod +x \(scratch["bin"])/*; echo s3cr3t-pass | \(helped) $DRAY login -u user --password-stdin \(setup.address) && "
                + "\(helped) $DRAY digest \(target) && grep -q s3cr3t \(scratch["helper.json"]) && "
                + "! grep -q '\"auth\"' \(scratch["helped"])/config.json && grep -q HttpHeaders \(scratch["helped"])/config.json && "
                + "\(helped) $DRAY logout \(setup.address) && ! test -e \(scratch["helper.json"])")
        #expect(stored.status == 0, "\(stored.errors)")
    }
}

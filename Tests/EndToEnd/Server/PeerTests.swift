import Foundation
import Testing

/// The clients that people use, against the server in each way that it is run.
struct PeerTests {
    /// A server and what it takes to get in.
    private final class Setup {
        let server: Server
        let serving: Serving
        let address: String

        init(_ way: WayOfServing, _ scratch: Scratch) throws {
            serving = try Serving(way, scratch)
            server = try Server(
                .init(http: serving.tls.map { "tls: \($0)" } ?? "", top: serving.top), in: scratch)
            address = try serving.entrance(to: server.address)
        }
    }

    @Test(arguments: WayOfServing.allCases) func skopeoPushesPullsListsAndDeletes(_ way: WayOfServing) throws {
        let scratch = try Scratch()
        let setup = try Setup(way, scratch)
        let archive = try Samples.archive(scratch)
        let host = "docker://\(setup.address)"
        let source = setup.serving.source, target = setup.serving.destination
        func skopeo(_ command: String) throws -> Command {
            let result = try Command.shell("skopeo \(command)")
            #expect(result.status == 0, "\(way): skopeo \(command): \(result.errors)")
            return result
        }
        for (format, name) in [("v2s2", "docker"), ("oci", "oci")] {
            _ = try skopeo(
                "copy -q \(target) --format \(format) --digestfile \(scratch[name]) docker-archive:\(archive) "
                    + "\(host)/team/\(name):1")
            let digest = try String(contentsOfFile: scratch[name], encoding: .utf8).trimmed
            _ = try skopeo("copy -q \(source) \(host)/team/\(name):1 dir:\(scratch["\(name)-dir"])")
            let sum = try Command.shell("sha256sum < \(scratch["\(name)-dir"])/manifest.json").text.prefix(64)
            #expect(digest == "sha256:\(sum)")
            // From one repository to another: mounted.
            _ = try skopeo("copy -q \(source) \(target) \(host)/team/\(name):1 \(host)/second/\(name):2")
            let flags = "--tls-verify=false \(setup.serving.credentials)"
            let tags = try skopeo("list-tags \(flags) \(host)/second/\(name) | jq -c .Tags")
            #expect(tags.text.trimmed == #"["2"]"#)
            _ = try skopeo("delete \(flags) \(host)/second/\(name):2")
            #expect(try Command.shell("skopeo inspect \(flags) \(host)/second/\(name):2").status != 0)
            _ = try skopeo("inspect \(flags) \(host)/team/\(name):1")
        }
    }

    @Test(arguments: WayOfServing.allCases) func drayPushesPullsListsAndDeletes(_ way: WayOfServing) throws {
        let scratch = try Scratch()
        let setup = try Setup(way, scratch)
        let archive = try Samples.archive(scratch, mebibytes: 8)
        let host = "docker://\(setup.address)"
        func dray(_ arguments: String..., status: Int32 = 0) throws -> Command {
            let result = try Command.dray([arguments[0]] + setup.serving.options + arguments.dropFirst())
            #expect(result.status == status, "\(way) \(arguments): \(result.errors)")
            return result
        }
        let digest = try #require(
            try dray("copy", "--output", "json", archive, "\(host)/team/app:1").rows().first?.digest)
        _ = try dray("copy", "--strict", "\(host)/team/app:1", "oci:\(scratch["layout"])")
        #expect(try Command.succeed("digest", "oci:\(scratch["layout"])").text.trimmed == digest)
        _ = try dray("copy", "--strict", "\(host)/team/app:1", "\(host)/other/app:1")
        _ = try dray("tag", "\(host)/other/app:1", "stable")
        #expect(
            try dray("ls", "--output", "json", "\(host)/other/app").rows().compactMap(\.tag).sorted() == [
                "1", "stable",
            ])
        #expect(try dray("ls", "--output", "json", host).rows().count == 3)
        _ = try dray("delete", "\(host)/other/app@\(digest)")
        _ = try dray("digest", "\(host)/other/app:1", status: 4)
        #expect(try dray("digest", "\(host)/team/app:1").text.trimmed == digest)
        if !Server.Program.isOriginal {
            _ = try dray("tag", "\(host)/team/app:1", "2")
            _ = try dray("delete", "\(host)/team/app:1")
            _ = try dray("digest", "\(host)/team/app:1", status: 4)
            #expect(try dray("digest", "\(host)/team/app:2").text.trimmed == digest)
        }
        if way.asksWhoComes {
            #expect(try Command.dray("digest", "\(host)/team/app@\(digest)").status == 5)
        }
    }

    @Test func podmanPushesAndPulls() throws {
        let scratch = try Scratch()
        let setup = try Setup(.plain, scratch)
        let archive = try Samples.archive(scratch)
        let podman = "podman --storage-driver vfs --root \(scratch["podman"]) --runroot \(scratch["run"])"
        defer { _ = try? Command.shell("\(podman) rmi -af; chmod -R u+w \(scratch["podman"])") }
        let push = try Command.shell(
            "\(podman) load -q -i \(archive) && \(podman) push -q --tls-verify=false sample/app:1.0 \(setup.address)/pod/app:1"
        )
        #expect(push.status == 0, "\(push.errors)")
        let digest = try Command.dray("digest", "docker://\(setup.address)/pod/app:1").text.trimmed
        let pull = try Command.shell(
            "\(podman) rmi -af >/dev/null && \(podman) pull -q --tls-verify=false \(setup.address)/pod/app:1 && "
                + "\(podman) images --digests --format '{{.Digest}}'")
        #expect(pull.status == 0 && pull.text.contains(digest), "\(pull.text) \(pull.errors)")
        // What is there already is not sent again.
        let again = try Command.shell(
            "\(podman) push -q --tls-verify=false \(setup.address)/pod/app:1 \(setup.address)/pod/again:1")
        #expect(again.status == 0, "\(again.errors)")
    }

    @Test func containerdPullsAndPushes() throws {
        let scratch = try Scratch()
        let setup = try Setup(.plain, scratch)
        let archive = try Samples.archive(scratch)
        let pushed = try Command.succeed("copy", "--output", "json", archive, "docker://\(setup.address)/ctr/app:1")
        let digest = try #require(try pushed.rows().first?.digest)
        let socket = scratch["c.sock"]
        let result = try Command.shell(
            """
            containerd --root \(scratch["ctr"]) --state \(scratch["state"]) --address \(socket) >/dev/null 2>&1 & pid=$!
            trap 'kill $pid; wait $pid' EXIT
            for try in $(seq 200); do ctr -a \(socket) version >/dev/null 2>&1 && break; done
            ctr -a \(socket) images pull --plain-http --snapshotter native \(setup.address)/ctr/app:1 >/dev/null &&
                ctr -a \(socket) images ls &&
                ctr -a \(socket) images tag \(setup.address)/ctr/app:1 \(setup.address)/ctr/back:1 &&
                ctr -a \(socket) images push --plain-http \(setup.address)/ctr/back:1 >/dev/null
            """)
        #expect(result.status == 0 && result.text.contains(digest), "\(result.text) \(result.errors)")
        #expect(try Command.dray("digest", "docker://\(setup.address)/ctr/back:1").text.trimmed == digest)
    }

    @Test func umociChangesWhatSkopeoCarries() throws {
        let scratch = try Scratch()
        let setup = try Setup(.plain, scratch)
        let archive = try Samples.archive(scratch)
        let name = "docker://\(setup.address)/umoci/app"
        try Command.succeed("copy", "--format", "oci", archive, "\(name):1")
        let layout = scratch["layout"]
        let result = try Command.shell(
            "skopeo copy -q --src-tls-verify=false \(name):1 oci:\(layout):1 && "
                + "umoci unpack --rootless --image \(layout):1 \(scratch["bundle"]) && "
                + "echo more > \(scratch["bundle"])/rootfs/more && "
                + "umoci repack --image \(layout):2 \(scratch["bundle"]) && "
                + "skopeo copy -q --dest-tls-verify=false oci:\(layout):2 \(name):2 && "
                + "skopeo inspect --tls-verify=false \(name):2 | jq '.Layers | length'")
        #expect(result.status == 0 && result.text.trimmed == "4", "\(result.text) \(result.errors)")
    }
}

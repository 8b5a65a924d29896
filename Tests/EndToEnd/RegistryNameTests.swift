import Foundation
import ImageModel
import Testing

/// Repositories, tags and digests on their way through registries.
struct RegistryNameTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private static let repositories = [
        "quay.io/coreos/etcd", "library/redis", "redis", "my.project/app", "localhost/tool", "docker.io/library/redis",
        "team/deep/er/app", "registry.k8s.io/pause",
    ]

    /// `REPOSITORY:TAG` or `REPOSITORY@DIGEST`, with its digest, of everything in a store.
    private func names(_ root: String) throws -> Set<String> {
        Set(try Command.succeed("ls", "--output", "json", "store:\(root)").rows().map { "\($0.name) \($0.digest)" })
    }

    /// A registry with an image in each repository, and an older one beside it that has no tag.
    private func filled(_ repositories: [String] = repositories, in folder: String = "full") throws -> Server {
        let server = try Server(in: scratch, root: scratch[folder], program: .dray)
        for repository in repositories {
            try server.push(TinyImage(repository, type: TinyImage.oci), to: repository, as: "1.0")
            try server.push(TinyImage("old \(repository)", type: TinyImage.oci), to: repository)
        }
        return server
    }

    @Test(arguments: ["oci-archive", "docker-archive", "oci", "backup"])
    func surviveARoundTrip(_ transport: String) throws {
        let from = try filled()
        let to = try Server(in: scratch, root: scratch["empty"], program: .dray)
        // The API lists no manifests without a tag.
        let tagged = try names(from.root).filter { !$0.contains("@sha256") }
        for (source, expected) in [("store:\(from.root)", try names(from.root)), ("docker://\(from.address)/", tagged)]
        {
            let place = scratch["\(transport)-\(expected.count)"]
            if transport == "backup" {
                try Command.succeed("backup", source, place)
                try Command.succeed("restore", place, "docker://\(to.address)/")
            } else {
                try Command.succeed("copy", source, "\(transport):\(place)")
                try Command.succeed("copy", "\(transport):\(place)", "docker://\(to.address)/")
            }
            #expect(try names(to.root).isSuperset(of: expected))
        }
        #expect(try names(to.root) == names(from.root))
    }

    /// `docker://HOST/FOLDER` where that is no repository, and `FOLDER/*`.
    @Test(arguments: ["team", "team/*"])
    func foldersKeepWhatIsBelowThem(_ name: String) throws {
        let from = try filled(["team/a", "team/b/c", "other/a"])
        let to = try Server(in: scratch, root: scratch["empty"], program: .dray)
        try Command.succeed("copy", "docker://\(from.address)/\(name)", "docker://\(to.address)/mirror")
        let found = try Command.succeed("ls", "--output", "json", "store:\(to.root)").rows().map(\.name)
        #expect(Set(found) == ["mirror/a:1.0", "mirror/b/c:1.0"])
        let list = ["team/a", "other/a"].map { "docker://\(from.address)/\($0):1.0" }
        try scratch.write(list.joined(separator: "\n"), to: "list.txt")
        try Command.succeed("copy", "--from-file", scratch["list.txt"], "docker://\(to.address)/all")
        let all = try Command.succeed("ls", "--output", "json", "store:\(to.root)").rows().map(\.name)
        #expect(Set(all).isSuperset(of: ["all/team/a:1.0", "all/other/a:1.0"]))
    }

    /// A tag that is listed and leads nowhere is missing content.
    @Test func aDanglingTagIsNotPassedOver() throws {
        let from = try filled(["team/a", "team/b"])
        let digest = Digest(of: TinyImage("team/a", type: TinyImage.oci).manifest)
        try FileManager.default.removeItem(
            atPath: "\(from.root)/docker/registry/v2/repositories/team/a/_manifests/revisions/sha256/\(digest.hex)")
        let stopped = try Command.dray("copy", "docker://\(from.address)/", "store:\(scratch["s"])")
        #expect(stopped.status == 3 && stopped.errors.contains("1.0"), "\(stopped.errors)")
        let rest = try Command.dray("copy", "--keep-going", "docker://\(from.address)/", "store:\(scratch["t"])")
        let kept = try names(scratch["t"])
        #expect(rest.status == 2 && kept.count == 1, "\(rest.errors)")
    }

    /// Clients of a mirror of Docker Hub ask for `library/NAME`, and others for what the archive says.
    @Test func servedUnderBothNames() throws {
        let from = try filled(["redis", "library/nginx", "team/app"])
        try Command.succeed("copy", "store:\(from.root)", "docker-archive:\(scratch["x.tar"])")
        let server = Process()
        server.executableURL = URL(filePath: Command.dray)
        server.arguments = ["serve", "--addr", "127.0.0.1:0", scratch["x.tar"]]
        let log = Pipe()
        server.standardError = log
        server.standardOutput = FileHandle.nullDevice
        try server.start()
        defer { server.terminate() }
        var text = ""
        while !text.contains("listening on"), case let bytes = log.fileHandleForReading.availableData, !bytes.isEmpty {
            text += String(decoding: bytes, as: UTF8.self)
        }
        let address = try #require(text.firstMatch(of: /listening on ([0-9.]+:[0-9]+)/)?.1)
        for (name, status) in [
            ("redis", 0), ("library/redis", 0), ("nginx", 0), ("library/nginx", 0), ("team/app", 0), ("library/app", 4),
            ("library/team/app", 4),
        ] {
            let result = try Command.dray("digest", "docker://\(address)/\(name):1.0")
            #expect(result.status == status, "\(name): \(result.errors)")
        }
        let listed = try Command.succeed("ls", "--output", "json", "docker://\(address)/").rows().compactMap(
            \.repository)
        #expect(listed.count == 3, "\(listed)")
    }
}

import Foundation
import ImageModel
import Testing

/// Whatever a command has written, every other command reads.
struct WrittenPlacesTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// Images of every kind, and as many names as a seed makes of them.
    private func source(_ seed: Int) throws -> CraftedLayout {
        var random = SeededBytes(seed)
        let layout = try CraftedLayout(scratch["layout"])
        let plain = try layout.image([layout.layer("plain \(seed)")])
        let arm = try layout.image([layout.layer("arm \(seed)")], architecture: "arm64")
        let index = try layout.index([plain.on("amd64"), arm.on("arm64"), layout.attestation(of: plain)])
        let nested = try layout.index([index])
        let artifact = try layout.image("artifact") {
            $0.config.mediaType = .ociEmpty
            $0.artifactType = "application/vnd.example"
            $0.layers[0].mediaType = MediaType("application/vnd.example.content")
        }
        let empty = try layout.put(TinyImage.emptyIndex, .ociIndex)
        let kinds = [plain, arm, index, nested, artifact, empty, try layout.image([])]
        for number in 0..<Int.random(in: 3...12, using: &random) {
            let host =
                ["", "quay.io/", "library/", "localhost:5000/", "docker.io/"].randomElement(using: &random) ?? ""
            let name = "\(host)\(["app", "team/app", "a.b/c"].randomElement(using: &random) ?? "a")"
            let image = kinds.randomElement(using: &random) ?? plain
            let isTagged = Int.random(in: 0..<4, using: &random) > 0
            try layout.add(image, name + (isTagged ? ":\(number)" : "@\(image.digest)"))
        }
        try layout.add(layout.image([layout.layer("signature")], subject: plain))
        try layout.add(layout.image([layout.layer("sig")]), "app:sha256-\(plain.digest.hex).sig")
        try layout.add(plain, "app:signed")
        return layout
    }

    static let seeds: [Int] = Samples.isLong ? Array(0..<100) : [1, 2]

    @Test(arguments: seeds)
    func areReadByAll(_ seed: Int) throws {
        let layout = "oci:\(try source(seed).path)"
        try Command.succeed("copy", layout, "store:\(scratch["store"])")
        try scratch.write(
            "rules: [{source: \"\(layout)\", destination: \"store:\(scratch["synced"])\"}]", to: "sync.yml")
        try Command.succeed("sync", scratch["sync.yml"])
        try Command.succeed("backup", "store:\(scratch["store"])", scratch["backup"])
        try Command.succeed("restore", scratch["backup"], "oci:\(scratch["restored"])")
        for target in [
            "oci:\(scratch["copy"])", "oci-archive:\(scratch["x.tar"])", "docker-archive:\(scratch["d.tar"])",
        ] {
            try Command.succeed("copy", "store:\(scratch["store"])", target)
        }
        try Command.succeed(
            "copy", "--volume-size", "1MiB", "--recovery-volumes", "1", "store:\(scratch["store"])",
            "oci-archive:\(scratch["set.tar"])")
        let expected = try Command.succeed("ls", "--output", "json", "store:\(scratch["store"])").rows().map(\.digest)
        for (number, place) in [
            "store:\(scratch["store"])", "store:\(scratch["synced"])", "oci:\(scratch["restored"])",
            "oci:\(scratch["copy"])", "oci-archive:\(scratch["x.tar"])", "docker-archive:\(scratch["d.tar"])",
            "oci-archive:\(scratch["set.tar"])",
        ].enumerated() {
            let listed = try Command.succeed("ls", "--output", "json", place).rows()
            #expect(Set(listed.map(\.digest)).isSuperset(of: expected), "\(place)")
            try Command.succeed("verify", "--deep", place)
            try Command.succeed("inspect", "\(place)@\(expected[0])")
            let inventory = try Command.succeed("inventory", place)
            try inventory.output.write(to: URL(filePath: scratch["have-\(number).json"]))
            try Command.succeed(
                "copy", "--have", scratch["have-\(number).json"], "store:\(scratch["store"])",
                "oci-archive:\(scratch["delta-\(number).tar"])")
            try Command.succeed("backup", place, scratch["backup-\(number)"])
            try Command.succeed("verify", scratch["backup-\(number)"])
            try Command.succeed("copy", place, "store:\(scratch["again-\(number)"])")
            let again = try Command.succeed("ls", "--output", "json", "store:\(scratch["again-\(number)"])").rows()
            #expect(Set(again.map(\.digest)).isSuperset(of: expected), "\(place)")
        }
    }

    /// A list that is far longer than any document: 30,000 tags with long names, 20 MB of `index.json`.
    @Test func longListsAreReadByAll() throws {
        let count = Samples.isLong ? 45_000 : 30_000
        let layout = try CraftedLayout(scratch["layout"])
        let image = try layout.image([layout.layer("a")])
        try layout.add(image, "team/app:first")
        try Command.succeed("copy", "oci:\(layout.path)", "store:\(scratch["store"])")
        try scratch.write(
            """
            import os, sys
            tags, digest, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
            for n in range(count):
                tag = f"{tags}/{'t' * 110}-{n:06}"
                for folder in (f"{tag}/current", f"{tag}/index/sha256/{digest[7:]}"):
                    os.makedirs(folder)
                    with open(f"{folder}/link", "w") as link: link.write(digest)
            """, to: "tags.py")
        let tags = scratch["store"] + "/docker/registry/v2/repositories/team/app/_manifests/tags"
        let made = try Command.run("python3", [scratch["tags.py"], tags, "\(image.digest)", "\(count)"])
        try #require(made.status == 0, "\(made.errors)")
        func number(_ place: String) throws -> Int {
            try Command.succeed("ls", "--output", "json", place).rows().count { $0.tag != nil }
        }
        try Command.succeed("copy", "store:\(scratch["store"])", "oci:\(scratch["copy"])")
        try Command.succeed("copy", "oci:\(scratch["copy"])", "docker-archive:\(scratch["d.tar"])")
        try Command.succeed("copy", "docker-archive:\(scratch["d.tar"])", "oci-archive:\(scratch["x.tar"])")
        try Command.succeed("backup", scratch["x.tar"], scratch["backup"])
        try Command.succeed("snapshots", scratch["backup"])
        try Command.succeed("restore", scratch["backup"], "oci:\(scratch["restored"])")
        for place in ["oci:\(scratch["copy"])", scratch["d.tar"], scratch["x.tar"], "oci:\(scratch["restored"])"] {
            #expect(try number(place) == count + 1, "\(place)")
            try Command.succeed("verify", place)
        }
    }
}

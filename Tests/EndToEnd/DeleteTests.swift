import Foundation
import ImageModel
import Testing

/// What is deleted is what was meant, and nothing else.
struct DeleteTests {
    /// Two tags of one image.
    private func store(_ scratch: Scratch) throws -> String {
        let store = "store:\(scratch["store"])"
        try Command.succeed("copy", try Samples.archive(scratch, mebibytes: 1), store)
        try Command.succeed("tag", "\(store):sample/app:1.0", "2.0")
        return store
    }

    private func names(_ place: String) throws -> [String] {
        try Command.succeed("ls", "--output", "json", place).rows().map { "\($0.repository ?? ""):\($0.tag ?? "")" }
    }

    @Test func allOfATagIsThatTag() throws {
        let scratch = try Scratch()
        let store = try store(scratch)
        try Command.succeed("delete", "--all", "\(store):sample/app:1.0")
        #expect(try names(store) == ["sample/app:2.0"])
    }

    @Test func allOfARepositoryIsEverythingInIt() throws {
        let scratch = try Scratch()
        let store = try store(scratch)
        try Command.succeed("copy", "--name", "other/app:1", scratch["app.tar"], store)
        let layout = try CraftedLayout(scratch["layout"])
        let child = try layout.image([layout.layer("a")])
        try layout.add(layout.index([child.on("amd64")]), "index")
        try Command.succeed("copy", "oci:\(scratch["layout"])", "\(store):sample/app:index")
        try Command.succeed("delete", "--all", "\(store):sample/app")
        #expect(try names(store) == ["other/app:1"])
    }

    @Test func otherNamesInALayoutStay() throws {
        let scratch = try Scratch()
        let layout = try CraftedLayout(scratch["layout"])
        let image = try layout.image([layout.layer("a")])
        try layout.add(image, "one/app:1")
        try layout.add(image, "two/app:1")
        try layout.add(image, "two/app:2")
        let place = "oci:\(scratch["layout"])"
        try Command.succeed("delete", "--all", "\(place):one/app")
        #expect(try names(place) == ["two/app:1", "two/app:2"])
        try Command.succeed("delete", "--all", place)
        #expect(try names(place).isEmpty)
    }

    /// A registry that deletes by digest only would take a platform out of an index.
    @Test func theTagOfAPlatformStaysWhileAnIndexNeedsIt() async throws {
        let scratch = try Scratch()
        let registry = try await Registry(serving: scratch["root"], scratch: scratch)
        let layout = try CraftedLayout(scratch["layout"])
        let child = try layout.image([layout.layer("a")])
        try layout.add(layout.index([child.on("amd64")]), "team/app:1")
        try layout.add(child, "team/app:1-amd64")
        let place = "docker://\(registry.address)/team/app"
        try Command.succeed("copy", "oci:\(scratch["layout"])", "docker://\(registry.address)")
        let refused = try Command.dray("delete", "\(place):1-amd64")
        #expect(refused.status == 1 && refused.errors.contains("is a part of 1"), "\(refused.errors)")
        #expect(try Command.dray("verify", place).status == 0)
        try Command.succeed("delete", "\(place):1")
        try Command.succeed("delete", "\(place):1-amd64")
    }

    @Test func aRepositoryAloneIsRefused() throws {
        let scratch = try Scratch()
        let store = "store:\(scratch["store"])"
        try Command.succeed("copy", try Samples.archive(scratch, mebibytes: 1), store)
        for reference in ["\(store):sample/app", store] {
            let result = try Command.dray("delete", reference)
            #expect(result.status == 1 && result.errors.contains("--all"), "\(result.errors)")
        }
        #expect(try names(store) == ["sample/app:1.0"])
    }

    @Test(arguments: ["oci", "dir"])
    func aPartOfAnIndexIsRefused(_ transport: String) throws {
        let scratch = try Scratch()
        let layout = try CraftedLayout(scratch["layout"])
        let child = try layout.image([layout.layer("a")])
        try layout.add(layout.index([child.on("amd64")]), "1")
        if transport == "dir" { try Command.succeed("copy", "oci:\(scratch["layout"])", "dir:\(scratch["dir"])") }
        let place = transport == "oci" ? "oci:\(scratch["layout"])" : "dir:\(scratch["dir"])"
        let result = try Command.dray("delete", "\(place)@\(child.digest)")
        #expect(result.status == 1 && result.errors.contains("part of"), "\(result.errors)")
        #expect(try Command.succeed("ls", "--output", "json", place).rows().count == 1)
    }

    /// A repository may have very many tags: everybody else would wait while they are read.
    @Test func theTagsOfAManifestAreReadWhileOthersUseTheStore() throws {
        let scratch = try Scratch()
        let store = try store(scratch)
        let digest = try Command.succeed("digest", "\(store):sample/app:1.0").text
        let other = try Samples.archive(scratch, name: "other.tar", image: "sample/app:other", mebibytes: 2)
        try Command.succeed("copy", other, store)
        for number in 0..<40 { try Command.succeed("tag", "\(store):sample/app:other", "t\(number)") }
        try Command.shell(
            "strace -f -y -e trace=flock,openat,openat2,close -o \(scratch["trace"]) "
                + "$DRAY delete \(store):sample/app@\(digest)")
        #expect(try names("store:\(scratch["store"])").count == 41)

        var holds = 0
        var read: [String] = []
        var held: String?
        for line in try String(contentsOfFile: scratch["trace"], encoding: .utf8).split(separator: "\n") {
            if let lock = line.firstMatch(of: /flock\((\d+<[^>]*\/\.dray\/lock>), LOCK_EX(?:\|LOCK_NB)?\) += 0/) {
                held = "close(\(lock.1))"
                holds += 1
            } else if let end = held, line.contains(end) {
                held = nil
            } else if held != nil, let tag = line.firstMatch(of: /_manifests\/tags\/([^\/"]+)\/current\/link"/) {
                read.append(String(tag.1))
            }
        }
        #expect(holds >= 2 && read.sorted() == ["1.0", "2.0"], "\(holds) \(read)")
    }
}

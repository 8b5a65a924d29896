import Foundation
import ImageModel
import ImageTransfer
import RegistryStore
import Testing

/// Damage that forbids to delete anything, and damage that does not.
struct StoreDamageTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// In the message.
        let expected: String
        let damage: @Sendable (CraftedStore, Digest) throws -> Void

        init(
            _ description: String, _ expected: String = "",
            _ damage: @escaping @Sendable (CraftedStore, Digest) throws -> Void
        ) {
            testDescription = description
            self.expected = expected
            self.damage = damage
        }
    }

    static let fatal: [Case] = [
        Case("bytes gone", "its bytes are gone") { store, digest in try store.remove(CraftedStore.blob(digest)) },
        Case("bytes empty", "its bytes are damaged") { store, digest in try store.write("", CraftedStore.blob(digest))
        },
        Case("one digit changed", "its bytes are damaged") { store, digest in
            let path = store.path(CraftedStore.blob(digest))
            var text = String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
            let start = try #require(text.ranges(of: "sha256:").last?.upperBound)
            text.replaceSubrange(start...start, with: text[start] == "0" ? "1" : "0")
            try store.write(text, CraftedStore.blob(digest))
        },
        Case("no JSON", "it is not JSON") { store, _ in try store.manifest("{\"config\":", in: "x") },
        Case("no manifest", "is not a manifest") { store, _ in try store.manifest("{}", in: "x") },
        Case("unknown digest", "no sha256 or sha512 digest") { store, _ in
            try store.manifest(#"{"config":{"digest":"blake3:00"}}"#, in: "x")
        },
        Case("a link under SHA-512 that says nothing", "cannot be told which manifest") { store, _ in
            try store.write("", CraftedStore.revision(Digest(of: "x".utf8, algorithm: .sha512), "x"))
        },
        Case("a directory in place of bytes", "cannot read") { store, digest in
            try store.remove(CraftedStore.blob(digest))
            try store.write("", CraftedStore.blob(digest) + "/x")
        },
        Case("an unserved child that cannot be read", "its bytes are damaged") { store, digest in
            try store.index([digest], in: "x", tag: "1")
            try store.write("?", CraftedStore.blob(digest))
            try store.remove(CraftedStore.revision(digest, "a"))
            try store.remove("repositories/a/_manifests/tags/1")
        },
        Case("no repositories", "no directory 'repositories'") { store, _ in try store.remove("repositories") },
    ]

    @Test(arguments: fatal, [false, true])
    func nothingIsDeletedWhileAReferenceMayBeUnread(_ example: Case, _ untagged: Bool) async throws {
        let store = try CraftedStore()
        let digest = try store.image(["live"], in: "a", tag: "1")
        let dead = try store.blob("dead")
        try example.damage(store, digest)
        let before = try store.content()
        for dryRun in [true, false] {
            let error = await #expect(throws: (any Error).self) {
                try await store.collect(dryRun: dryRun, untagged: untagged)
            }
            #expect("\(error as Any)".contains(example.expected), "\(error as Any)")
        }
        #expect(try store.content() == before && store.has(dead))
    }

    @Test func everyProblemIsNamed() async throws {
        let store = try CraftedStore()
        for name in ["a", "b/c"] {
            try store.remove(CraftedStore.blob(try store.image(["of \(name)"], in: name)))
        }
        try store.manifest("[]", in: "d")
        let error = await #expect(throws: ImageError.self) { try await store.collect() }
        let problems = try #require(error?.cause as? CollectionRefused).problems
        #expect(problems.count == 3)
        for (problem, name) in zip(problems, ["a", "b/c", "d"]) {
            #expect(
                problem.description.hasPrefix("\(name) has the manifest sha256:")
                    && problem.description.contains("repositories/\(name)/_manifests") && problem.isDamage)
        }
    }

    static let harmless: [Case] = [
        Case("an empty revision link") { store, digest in try store.write("", CraftedStore.revision(digest, "a")) },
        Case("a revision link that ends in a newline") { store, digest in
            try store.write("\(digest)\n", CraftedStore.revision(digest, "a"))
        },
        Case("a revision link that says another digest") { store, digest in
            try store.image(["other"], in: "a")
            let other = try store.image(["other"], in: "b", tag: "1")
            try store.write("\(other)", CraftedStore.revision(digest, "a"))
        },
        Case("an empty tag link") { store, _ in try store.write("", CraftedStore.current("1", "a")) },
        Case("a tag link that ends in a newline") { store, digest in
            try store.write("\(digest)\r\n", CraftedStore.current("1", "a"))
        },
        Case("an empty history link") { store, digest in try store.write("", CraftedStore.history(digest, "1", "a")) },
        Case("an empty layer link") { store, _ in try store.write("", CraftedStore.layer(Digest(of: "live".utf8), "a"))
        },
        Case("leftovers and strangers") { store, _ in
            for folder in [
                "_layers", "_layers/sha256", "_manifests/revisions", "_manifests/revisions/sha256", "_manifests/tags",
                "_manifests/tags/1/index/sha256", "_manifests/tags/1/current",
            ] { try store.write("?", "repositories/a/\(folder)/link.0.tmp") }
            try store.write("?", "blobs/sha256/.DS_Store")
            try store.write("?", "blobs/sha256/00/stray")
            try store.write("?", "blobs/sha256/zz/stray")
            try store.write("?", "blobs/tarsum/x")
            try store.write("?", "repositories/README")
        },
        Case("a tag that means nothing served") { store, _ in
            try store.write(Digest(of: "gone".utf8).description, CraftedStore.current("2", "a"))
        },
        Case("a tag without a link") { store, _ in
            try store.write("", "repositories/a/_manifests/tags/2/current/link.x.tmp")
        },
        Case("a repository of revisions alone") { store, _ in
            try store.image(["c"], in: "c")
            try store.remove("repositories/c/_layers")
        },
        Case("a repository of layers alone") { store, _ in try store.layer("c", in: "c") },
        Case("an upload alone") { store, _ in try store.write("", "repositories/c/_uploads/x/data") },
    ]

    @Test(arguments: harmless, [false, true])
    func whatIsSoundIsCollected(_ example: Case, _ untagged: Bool) async throws {
        let store = try CraftedStore()
        let digest = try store.image(["live"], in: "a", tag: "1")
        let dead = try store.blob("dead")
        try example.damage(store, digest)
        let strangers = try store.content().keys.filter {
            $0.hasSuffix("tmp") || $0.hasSuffix("stray") || $0.hasSuffix("README")
        }
        let planned = try await store.collect(dryRun: true, untagged: untagged)
        let report = try await store.collect(untagged: untagged)
        #expect(planned.blobs == report.blobs && report.blobs.contains { $0.digest == dead })
        #expect(!store.has(dead) && store.has(digest) && store.has(Digest(of: "live".utf8)))
        #expect(store.exists(CraftedStore.current("1", "a")) && store.serves(digest, "a"))
        for stranger in strangers { #expect(store.exists(stranger), "\(stranger)") }
    }

    @Test func emptyDirectoriesGo() async throws {
        let store = try CraftedStore()
        let digest = try store.image(["live"], in: "a", tag: "1")
        let gone = Digest(of: "gone".utf8)
        for file in [
            CraftedStore.blob(gone), CraftedStore.layer(gone, "a"), CraftedStore.revision(gone, "a"),
            CraftedStore.history(gone, "0", "a"),
        ] {
            try store.write("", file)
            try store.remove(file)
        }
        let planned = try await store.collect(dryRun: true)
        let report = try await store.collect()
        #expect(planned.emptyDirectories == 4 && report.emptyDirectories == 4)
        #expect(
            !store.exists("blobs/sha256/\(gone.hex.prefix(2))") && !store.exists("repositories/a/_manifests/tags/0"))
        #expect(store.serves(digest, "a") && store.exists("repositories/a/_layers/sha256"))
    }

    @Test func noStoreIsNotFound() async throws {
        let store = try CraftedStore()
        try store.remove("")
        await #expect(throws: ImageError.self) { try await store.collect(dryRun: true) }
        await #expect(throws: ImageError.self) { try await store.collect() }
    }

    @Test func anEmptyStoreHasNoGarbage() async throws {
        let store = try CraftedStore()
        #expect(try await store.collect().blobs.isEmpty)
        try store.remove("repositories")
        #expect(try await store.collect().repositories.isEmpty)
    }
}

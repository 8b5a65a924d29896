import Foundation
import ImageModel
import Testing

/// Case 40: what nothing refers to goes.
extension CompatibilityCaseTests {
    /// The digests of lines like `blob eligible for deletion: sha256:…`.
    private func eligible(_ kind: String, in output: Command) -> Set<String> {
        Set(
            output.lines.compactMap {
                $0.firstMatch(of: /^(?:[^ ]+: )?(\w+) eligible for deletion: .*?(sha256:[0-9a-f]{64})/)
            }.filter { $0.1 == kind }.map { String($0.2) })
    }

    @Test func case40AfterADelete() throws {
        let server = try Server.withHello()
        let (gone, kept) = (TinyImage.hello, TinyImage("kept"))
        try server.push(kept, to: "m/t", as: "1")
        // Shared: its config stays.
        try server.push(blob: gone.config, to: "m/t")
        let second = TinyImage("second", fields: ",\"x\":\"y\"")
        var sharing = second
        sharing.config = gone.config
        sharing.manifest = Array(
            String(decoding: second.manifest, as: UTF8.self)
                .replacing(second.configDigest, with: gone.configDigest).utf8)
        try server.push(sharing, to: "m/t", as: "2")
        #expect(try server.delete("\(Self.hello)/\(gone.digest)").status == 202)

        let before = server.files(below: "")
        let dry = try server.collectGarbage("--dry-run")
        #expect(dry.status == 0, "\(dry.errors)")
        #expect(dry.lines.first == "library/hello" && dry.text.contains("\n\n"))
        let wanted: Set = [gone.digest, gone.layerDigest]
        #expect(dry.lines.contains { $0.hasPrefix("6 blobs marked, 2 blobs and 0 manifests eligible for deletion") })
        #expect(eligible("blob", in: dry) == wanted)
        #expect(server.files(below: "") == before)

        let real = try server.collectGarbage()
        #expect(real.status == 0 && eligible("blob", in: real) == wanted, "\(real.text)")
        for digest in wanted { #expect(server.file(Server.blobPath(digest)) == nil) }
        for image in [kept, sharing] {
            #expect(try server.get("/v2/m/t/manifests/\(image.digest)").body == image.manifest)
            #expect(try server.get("/v2/m/t/blobs/\(image.layerDigest)").body == image.layer)
            #expect(try server.get("/v2/m/t/blobs/\(image.configDigest)").body == image.config)
        }
    }

    @Test func case40UntaggedManifestsGoAndChildrenStay() throws {
        let server = try Server()
        let (child, loose) = (TinyImage("child", type: TinyImage.oci), TinyImage("loose"))
        try server.push(child, to: "m/t")
        let index = TinyImage.index(of: [child])
        #expect(try server.put(index, TinyImage.index, as: "multi", in: "m/t").status == 201)
        try server.push(loose, to: "m/t")
        let result = try server.collectGarbage("--delete-untagged")
        #expect(result.status == 0, "\(result.errors)")
        #expect(eligible("manifest", in: result).contains(loose.digest), "\(result.text)")
        for digest in [loose.digest, loose.configDigest, loose.layerDigest] {
            #expect(server.file(Server.blobPath(digest)) == nil)
        }
        try unlikeTheOriginal("takes the images out of their index") {
            #expect(eligible("manifest", in: result) == [loose.digest])
            let stored = try server.get("/v2/m/t/manifests/\(child.digest)", [("Accept", TinyImage.oci)])
            #expect(stored.body == child.manifest)
            #expect(try server.get("/v2/m/t/blobs/\(child.layerDigest)").body == child.layer)
            #expect(try server.get("/v2/m/t/blobs/\(child.configDigest)").body == child.config)
        }
    }

    @Test func case40BesideTheRunningServer() throws {
        let server = try Server.withHello(.init(storage: "cache: {blobdescriptor: inmemory}"))
        let image = TinyImage.hello
        // Seen, and remembered by those who do.
        #expect(try server.head("/v2/library/hello/blobs/\(image.layerDigest)").status == 200)
        #expect(try server.delete("\(Self.hello)/\(image.digest)").status == 202)
        #expect(try server.collectGarbage().status == 0)
        #expect(server.file(Server.blobPath(image.layerDigest)) == nil)
        try unlikeTheOriginal("remembers what is gone") {
            for digest in [image.layerDigest, image.configDigest] {
                #expect(try server.head("/v2/library/hello/blobs/\(digest)").status == 404)
            }
            expect(
                try server.put(image.manifest, image.type, as: "latest", in: "library/hello"), 400,
                "MANIFEST_BLOB_UNKNOWN", "MANIFEST_BLOB_UNKNOWN")
            try server.push(image, to: "library/hello", as: "latest")
            #expect(try server.get("\(Self.hello)/latest", [("Accept", image.type)]).body == image.manifest)
            #expect(try server.get("/v2/library/hello/blobs/\(image.layerDigest)").body == image.layer)
        }
    }

    @Test(arguments: ["", "\n"]) func case40OddLinksDoNotStopIt(_ ending: String) throws {
        let server = try Server.withHello()
        let odd = TinyImage("odd")
        try server.push(odd, to: "m/t", as: "1")
        let link =
            "\(server.root)/docker/registry/v2/repositories/m/t/_manifests/revisions/sha256/\(odd.digest.hex)/link"
        try Data((ending.isEmpty ? "" : odd.digest + ending).utf8).write(to: URL(filePath: link))
        let result = try server.collectGarbage()
        try unlikeTheOriginal("fails to mark") { #expect(result.status == 0, "\(result.errors)") }
        #expect(try server.get("\(Self.hello)/latest", [("Accept", TinyImage.docker)]).body == TinyImage.hello.manifest)
        #expect(try server.get("/v2/library/hello/blobs/\(TinyImage.hello.layerDigest)").status == 200)
        if !ending.isEmpty {
            #expect(server.file(Server.blobPath(odd.layerDigest)) == odd.layer)
        }
    }

    @Test func case40ARepositoryWithoutTags() throws {
        let server = try Server.withHello()
        let loose = TinyImage("loose")
        try server.push(loose, to: "m/t")
        try unlikeTheOriginal("fails to mark") {
            let result = try server.collectGarbage("--delete-untagged")
            #expect(result.status == 0, "\(result.errors)")
            #expect(eligible("manifest", in: result) == [loose.digest])
            #expect(server.file(Server.blobPath(loose.layerDigest)) == nil)
        }
        #expect(server.file(Server.blobPath(TinyImage.hello.layerDigest)) == TinyImage.hello.layer)
    }
}

import Foundation
import ImageModel
import Testing

/// Tags that move, and deleting: cases 23 to 26, and the blobs' case 31.
extension CompatibilityCaseTests {
    @Test func case23ATagMoves() throws {
        let server = try Server()
        let (first, second) = (TinyImage("first"), TinyImage("second"))
        try server.push(first, to: "m/t", as: "v1")
        try server.push(second, to: "m/t", as: "v1")
        let accept = [("Accept", TinyImage.docker)]
        #expect(try server.get("/v2/m/t/manifests/v1", accept).body == second.manifest)
        #expect(try server.get("/v2/m/t/manifests/\(first.digest)", accept).body == first.manifest)
        let tag = "repositories/m/t/_manifests/tags/v1"
        let wanted = ["current/link"] + [first, second].map { "index/sha256/\($0.digest.hex)/link" }.sorted()
        #expect(server.files(below: tag) == wanted)
        let current = try #require(server.file("\(tag)/current/link"))
        #expect(String(decoding: current, as: UTF8.self) == second.digest && current.count == 71)
        for image in [first, second] {
            #expect(server.file("\(tag)/index/sha256/\(image.digest.hex)/link") == Array(image.digest.utf8))
            #expect(
                server.file("repositories/m/t/_manifests/revisions/sha256/\(image.digest.hex)/link")
                    == Array(image.digest.utf8))
        }
    }

    @Test func case24AManifestIsDeleted() throws {
        let server = try Server.withHello()
        let image = TinyImage.hello
        let answer = try server.delete("\(Self.hello)/\(image.digest)")
        #expect(answer.status == 202 && answer["content-length"] == "0" && answer.body.isEmpty)
        for name in ["latest", image.digest] {
            expect(try server.get("\(Self.hello)/\(name)", [("Accept", image.type)]), 404, "MANIFEST_UNKNOWN")
        }
        try unlikeTheOriginal("says null") {
            let list = try server.get("/v2/library/hello/tags/list")
            #expect(list.status == 200 && list.text == "{\"name\":\"library/hello\",\"tags\":[]}\n")
        }
        expect(try server.delete("\(Self.hello)/\(image.digest)"), 404, "MANIFEST_UNKNOWN")
        #expect(try server.get("/v2/_catalog").strings("repositories") == ["library/hello"])
        #expect(try server.get("/v2/library/hello/blobs/\(image.layerDigest)").body == image.layer)
        // A soft delete: the bytes stay.
        #expect(server.file(Server.blobPath(image.digest)) == image.manifest)
    }

    @Test func case25ATagIsDeleted() throws {
        let server = try Server.withHello()
        let image = TinyImage.hello
        #expect(try server.put(image.manifest, image.type, as: "stable", in: "library/hello").status == 201)
        try unlikeTheOriginal("wants a digest") {
            let answer = try server.delete("\(Self.hello)/latest")
            #expect(answer.status == 202 && answer["content-length"] == "0")
            #expect(try server.head("\(Self.hello)/latest").status == 404)
            for name in ["stable", image.digest] {
                #expect(try server.get("\(Self.hello)/\(name)", [("Accept", image.type)]).body == image.manifest)
            }
            expect(try server.delete("\(Self.hello)/latest"), 404, "MANIFEST_UNKNOWN")
            #expect(try server.get("/v2/library/hello/tags/list").strings("tags") == ["stable"])
        }
    }

    @Test func case26DeletingIsOff() throws {
        let server = try Server.withHello(.init(allowsDeletion: false))
        let image = TinyImage.hello
        let names = ["manifests/\(image.digest)", "manifests/latest", "manifests/\(Self.absent)", "manifests/nope"]
        for name in names + ["blobs/\(image.layerDigest)", "blobs/\(Self.absent)"] {
            let answer = try server.delete("/v2/library/hello/\(name)")
            expect(answer, 405, "UNSUPPORTED")
            #expect(
                answer.text.trimmed
                    == #"{"errors":[{"code":"UNSUPPORTED","message":"The operation is unsupported."}]}"#)
        }
        #expect(try server.get("\(Self.hello)/latest", [("Accept", image.type)]).body == image.manifest)
    }

    @Test func case26ReadOnly() throws {
        let scratch = try Scratch()
        let image = TinyImage.hello
        try Server.withHello(in: scratch).stop()
        let server = try Server(.init(storage: "maintenance: {readonly: {enabled: true}}"), in: scratch)
        for (method, target) in [
            ("PUT", "manifests/latest"), ("DELETE", "manifests/\(image.digest)"),
            ("DELETE", "blobs/\(image.layerDigest)"),
        ] {
            let answer = try server.request(method, "/v2/library/hello/\(target)", body: .whole(image.manifest))
            #expect(answer.status == 405 && answer["allow"] == "GET, HEAD", "\(method) \(target)")
            try unlikeTheOriginal("answers in plain text, which docker cannot read") {
                expect(answer, 405, "UNSUPPORTED")
                #expect(answer.text.contains("read-only"), "\(answer.text)")
            }
        }
        let upload = try server.request("POST", "/v2/library/hello/blobs/uploads/")
        #expect(upload.status == 405)
        #expect(try server.get("\(Self.hello)/latest", [("Accept", image.type)]).body == image.manifest)
        #expect(try server.get("/v2/library/hello/blobs/\(image.layerDigest)").body == image.layer)
        #expect(server.files(below: "repositories").allSatisfy { !$0.contains("_uploads") })
    }

    @Test func case31ABlobIsDeleted() throws {
        let server = try Server.withHello()
        let image = TinyImage.hello
        try server.push(blob: image.layer, to: "other/place")
        let blob = "/v2/library/hello/blobs/\(image.layerDigest)"
        let answer = try server.delete(blob)
        #expect(answer.status == 202 && answer["content-length"] == "0")
        #expect(try server.head(blob).status == 404)
        expect(try server.delete(blob), 404, "BLOB_UNKNOWN")
        #expect(try server.get("/v2/other/place/blobs/\(image.layerDigest)").body == image.layer)
        #expect(server.file(Server.blobPath(image.layerDigest)) == image.layer)
    }
}

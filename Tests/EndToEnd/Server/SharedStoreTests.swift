import Foundation
import ImageModel
import ObjectStorage
import Testing

/// One storage directory, served and collected by dray and by the original in turn.
struct SharedStoreTests {
    /// Everything that has to be there, by repository and tag; nil for the digest.
    private struct Held {
        var repository: String
        var tag: String?
        var bytes: [UInt8]
        var type: String
        /// Of an image; an index has its images beside it.
        var blobs: [[UInt8]] = []

        init(_ image: TinyImage, _ repository: String, _ tag: String? = nil) {
            (self.repository, self.tag, bytes, type) = (repository, tag, image.manifest, image.type)
            blobs = [image.config, image.layer]
        }

        init(index: [UInt8], _ repository: String, _ tag: String) {
            (self.repository, self.tag, bytes, type) = (repository, tag, index, TinyImage.index)
        }
    }

    private func check(
        _ all: [Held], gone: [Held], _ server: Server, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        func get(_ held: Held, _ name: String) throws -> HTTPResponse {
            try server.get("/v2/\(held.repository)/manifests/\(name)", [("Accept", held.type)])
        }
        for held in all {
            for name in [held.tag, Digest(of: held.bytes).description].compactMap(\.self) {
                let answer = try get(held, name)
                #expect(
                    answer.status == 200 && answer.body == held.bytes, "\(held.repository) \(name)",
                    sourceLocation: sourceLocation)
            }
            for blob in held.blobs {
                let answer = try server.get("/v2/\(held.repository)/blobs/\(Digest(of: blob))")
                #expect(answer.body == blob, "\(held.repository)", sourceLocation: sourceLocation)
            }
        }
        for held in gone {
            #expect(
                try get(held, Digest(of: held.bytes).description).status == 404, "\(held.repository)",
                sourceLocation: sourceLocation)
        }
    }

    /// What a server does in its turn: pushes, and deletes one that an earlier one pushed.
    private func turn(
        _ name: String, _ server: Server, _ all: inout [Held], _ gone: inout [Held], deleting: String?
    ) throws {
        try check(all, gone: gone, server)
        let shared = Array("a layer of everybody's".utf8)
        let images = [TinyImage("\(name) one"), TinyImage("\(name) two", type: TinyImage.oci, layer: shared)]
        for image in images {
            try server.push(image, to: "turn/\(name)", as: image.type == TinyImage.oci ? "oci" : "docker")
        }
        all += [Held(images[0], "turn/\(name)", "docker"), Held(images[1], "turn/\(name)", "oci")]
        // An index with its images untagged, and a signature.
        let children = ["a", "b"].map { TinyImage("\(name) child \($0)", type: TinyImage.oci) }
        let signature = TinyImage(
            "\(name) signature", type: TinyImage.oci, fields: ",\"subject\":\(children[0].descriptor)")
        for image in children + [signature] { try server.push(image, to: "turn/\(name)") }
        let index = TinyImage.index(of: children)
        #expect(try server.put(index, TinyImage.index, as: "multi", in: "turn/\(name)").status == 201)
        all += (children + [signature]).map { Held($0, "turn/\(name)") }
        all.append(Held(index: index, "turn/\(name)", "multi"))
        // And a tag that all of them move.
        let moving = TinyImage("\(name) moving")
        try server.push(moving, to: "turn/moving", as: "latest")
        for index in all.indices where all[index].repository == "turn/moving" { all[index].tag = nil }
        all.append(Held(moving, "turn/moving", "latest"))

        if let deleting {
            let held = try #require(all.firstIndex { $0.repository == "turn/\(deleting)" && $0.tag == "docker" })
            let digest = Digest(of: all[held].bytes)
            #expect(try server.delete("/v2/turn/\(deleting)/manifests/\(digest)").status == 202)
            gone.append(all.remove(at: held))
        }
        try check(all, gone: gone, server)
        server.stop()
        let collection = try server.collectGarbage()
        #expect(collection.status == 0, "\(collection.errors)")
    }

    @Test(arguments: ["directory", "bucket"]) func nothingIsLostFromTurnToTurn(_ place: String) async throws {
        let scratch = try Scratch()
        var settings = Server.Settings()
        let s3 = place == "bucket" ? try S3Server(.ceph, scratch: scratch) : nil
        defer { withExtendedLifetime(s3) {} }
        if let s3 {
            try await Bucket(s3.options()).create()
            settings.bucket = s3.settings("turns")
            // Whoever asks here reads what the server sends.
            settings.storage = "redirect: {disable: true}"
        }
        var (all, gone): ([Held], [Held]) = ([], [])
        let turns: [(String, Server.Program, String?)] = [
            ("first", .underTest, nil), ("second", .original, "first"), ("third", .underTest, "second"),
            ("fourth", .original, "third"),
        ]
        for (name, program, deleting) in turns {
            try turn(name, Server(settings, in: scratch, program: program), &all, &gone, deleting: deleting)
        }
        let last = try Server(settings, in: scratch)
        try check(all, gone: gone, last)
        if let s3 {
            try s3.succeed("verify", "store:s3://images/turns")
            try s3.succeed("copy", "store:s3://images/turns", "oci:\(scratch["layout"])")
            return
        }
        // What was deleted is gone from the disk, and what is kept is all that is there.
        #expect(try last.get("/v2/_catalog").strings("repositories")?.count == 5)
        for held in gone {
            let digest = Digest(of: held.bytes).description
            #expect(last.file(Server.blobPath(digest)) == nil)
        }
        // skopeo and dray's own copy agree that it is a registry.
        let copied = try Command.dray(["copy", "store:\(last.root)", "oci:\(scratch["layout"])"])
        #expect(copied.status == 0, "\(copied.errors)")
    }

    /// Blobs that each of the two would remove, both asked in a dry run.
    @Test func bothCollectionsAgree() throws {
        let server = try Server()
        for (number, name) in ["a", "a/b", "c"].enumerated() {
            let images = (0..<4).map { TinyImage("\(name) \($0)", layer: $0 == 3 ? Array("shared".utf8) : nil) }
            for (index, image) in images.enumerated() { try server.push(image, to: name, as: "\(index)") }
            let child = TinyImage("\(name) child", type: TinyImage.oci)
            try server.push(child, to: name)
            let index = TinyImage.index(of: [child])
            #expect(try server.put(index, TinyImage.index, as: "multi", in: name).status == 201)
            // An index that goes leaves its image, which its own link keeps.
            if number == 1 {
                #expect(try server.delete("/v2/\(name)/manifests/\(Digest(of: index))").status == 202)
            }
            for image in images.suffix(2 - number % 2) {
                #expect(try server.delete("/v2/\(name)/manifests/\(image.digest)").status == 202)
            }
            // Moved away from, and still there by digest.
            try server.push(TinyImage("\(name) moved"), to: name, as: "0")
            // Never referred to.
            try server.push(blob: Array("loose \(name)".utf8), to: name)
        }
        server.stop()
        func garbage(_ program: Server.Program) throws -> Set<String> {
            let result = try server.collectGarbage("--dry-run", program: program)
            #expect(result.status == 0, "\(result.errors)")
            return Set(
                result.lines.filter { $0.hasPrefix("blob eligible for deletion: ") }.map { String($0.prefix(99)) })
        }
        let (ours, theirs) = (try garbage(.underTest), try garbage(.original))
        #expect(ours == theirs && ours.count > 8, "\(ours.symmetricDifference(theirs))")
    }
}

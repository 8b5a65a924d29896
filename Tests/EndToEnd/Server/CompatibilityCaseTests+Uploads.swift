import Foundation
import ImageModel
import Testing

/// Uploads: cases 32 to 38.
extension CompatibilityCaseTests {
    private static let ten = Array("0123456789".utf8)
    private static let twenty = Array("0123456789abcdefghij".utf8)
    private static let digest = Digest(of: twenty).description

    /// A server, and an upload with the first ten bytes in it.
    private func halfway() throws -> (Server, String) {
        let server = try Server()
        let answer = try server.patch(server.startUpload(in: "m/t"), Self.ten)
        try #require(answer.status == 202)
        return (server, answer.location)
    }

    @Test func case32AnUploadBegins() throws {
        let server = try Server()
        let answer = try server.request("POST", "/v2/m/t/blobs/uploads/")
        #expect(answer.status == 202 && answer["content-length"] == "0" && answer["range"] == "0-0")
        let id = try #require(answer["docker-upload-uuid"])
        #expect(UUID(uuidString: id) != nil)
        #expect(answer["location"]?.hasPrefix("\(server.baseURL)/v2/m/t/blobs/uploads/\(id)?") == true)
        let folder = "repositories/m/t/_uploads/\(id)"
        #expect(server.file("\(folder)/data") == [])
        let startedAt = String(decoding: server.file("\(folder)/startedat") ?? [], as: UTF8.self)
        #expect(startedAt.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/) != nil, "\(startedAt)")
    }

    @Test func case33PiecesAreAppended() throws {
        let (server, location) = try halfway()
        let status = try server.get(location)
        #expect(status.status == 204 && status["range"] == "0-9" && status["docker-upload-uuid"] != nil)
        #expect(status["location"]?.hasPrefix(server.baseURL) == true)
        let next = try server.patch(status.location, Array(Self.twenty[10...]), range: "10-19")
        #expect(next.status == 202 && next["range"] == "0-19" && next["content-length"] == "0")
        #expect(next["docker-upload-uuid"] != nil)
        #expect(try server.finish(next.location, Self.digest).status == 201)
        #expect(try server.get("/v2/m/t/blobs/\(Self.digest)").body == Self.twenty)
    }

    @Test(arguments: [false, true]) func case33WithoutALength(_ isBehindNginx: Bool) throws {
        let scratch = try Scratch()
        let server = try Server(in: scratch)
        let nginx = isBehindNginx ? try Nginx(before: server.address, scratch: scratch) : nil
        let address = nginx?.address ?? server.address
        var random = SeededBytes(1)
        let chunks = (0..<64).map { _ in random.bytes(1 << 18) }
        let all = chunks.flatMap { $0 }
        let start = try HTTPConversation(address).request("POST", "/v2/m/t/blobs/uploads/")
        #expect(start["location"]?.hasPrefix("http://\(address)/v2/") == true)
        let answer = try HTTPConversation(address).request(
            "PATCH", start.location, [("Content-Type", "application/octet-stream")], body: .chunked(chunks))
        #expect(answer.status == 202 && answer["range"] == "0-\(all.count - 1)")
        let digest = Digest(of: all).description
        let end = try HTTPConversation(address).request("PUT", adding("digest=\(digest)", to: answer.location))
        #expect(end.status == 201 && end["location"] == "http://\(address)/v2/m/t/blobs/\(digest)")
        #expect(try HTTPConversation(address).request("GET", end.location).digest == digest)
    }

    @Test func case34PiecesOutOfOrder() throws {
        let (server, location) = try halfway()
        try unlikeTheOriginal("does not look at Content-Range") {
            for range in ["20-24", "0-4", "11-15"] {
                let answer = try server.patch(location, Array(Self.ten.prefix(5)), range: range)
                #expect(answer.status == 416, "\(range): \(answer.status) \(answer.text)")
            }
            let status = try server.get(location)
            #expect(status.status == 204 && status["range"] == "0-9")
            expect(try server.patch(status.location, Array(Self.ten.prefix(5)), range: "10-19"), 400, "SIZE_INVALID")
            #expect(try server.get(location)["range"] == "0-9")
            let starred = try server.patch(status.location, Array(Self.twenty[10..<15]), range: "bytes 10-14/*")
            #expect(starred.status == 202 && starred["range"] == "0-14")
            let rest = try server.patch(starred.location, Array(Self.twenty[15...]), range: "15-19")
            #expect(rest.status == 202)
            #expect(try server.finish(rest.location, Self.digest).status == 201)
        }
    }

    @Test func case35OldAndBareLocations() throws {
        let server = try Server()
        let start = try server.startUpload(in: "m/t")
        let first = try server.patch(start, Self.ten)
        #expect(first.status == 202)
        try unlikeTheOriginal("says 404 BLOB_UPLOAD_INVALID") {
            #expect(try server.patch(start, Self.ten).status == 416)
            let bare = String(first.location.prefix { $0 != "?" })
            let status = try server.get(bare)
            #expect(status.status == 204 && status["range"] == "0-9")
            let rest = try server.patch(bare, Array(Self.twenty[10...]), range: "10-19")
            #expect(rest.status == 202)
            #expect(try server.finish(bare, Self.digest).status == 201)
        }
    }

    @Test func case36AnUploadEnds() throws {
        let (server, location) = try halfway()
        expect(try server.request("PUT", location), 400, "DIGEST_INVALID")
        expect(try server.finish(location, "sha256:abc"), 400, "DIGEST_INVALID")
        expect(try server.finish(location, Self.absent), 400, "DIGEST_INVALID")
        let status = try server.get(location)
        #expect(status.status == 204 && status["range"] == "0-9")
        let id = try #require(status["docker-upload-uuid"])
        let end = try server.finish(status.location, Self.digest, Array(Self.twenty[10...]))
        #expect(end.status == 201 && end["location"] == "\(server.baseURL)/v2/m/t/blobs/\(Self.digest)")
        #expect(end["docker-content-digest"] == Self.digest && end["content-length"] == "0")
        expect(try server.get(location), 404, "BLOB_UPLOAD_UNKNOWN")
        #expect(
            !FileManager.default.fileExists(atPath: "\(server.root)/docker/registry/v2/repositories/m/t/_uploads/\(id)")
        )
        #expect(try server.get(end.location).body == Self.twenty)
        let link = server.file("repositories/m/t/_layers/sha256/\(Self.digest.hex)/link")
        #expect(link == Array(Self.digest.utf8))
        try server.push(blob: [], to: "m/t")
        #expect(try server.head("/v2/m/t/blobs/\(Digest(of: []))")["content-length"] == "0")
    }

    @Test func case36OtherAlgorithms() throws {
        let server = try Server()
        let long = Digest(of: Self.twenty, algorithm: .sha512).description
        #expect(try server.finish(server.startUpload(in: "m/t"), long, Self.twenty).status == 201)
        for digest in [long, Self.digest] {
            let answer = try server.get("/v2/m/t/blobs/\(digest)")
            #expect(answer.status == 200 && answer.body == Self.twenty, "\(digest)")
        }
        // Once on disk, under its usual name, and that name in both links.
        #expect(server.files(below: "blobs").count == 1 && server.file(Server.blobPath(Self.digest)) == Self.twenty)
        for digest in [Digest(of: Self.twenty), Digest(of: Self.twenty, algorithm: .sha512)] {
            let link = server.file("repositories/m/t/_layers/\(digest.algorithm)/\(digest.hex)/link")
            #expect(link == Array(Self.digest.utf8))
        }
        let wrong = Digest(of: Self.ten, algorithm: .sha512).description
        expect(try server.finish(server.startUpload(in: "m/t"), wrong, Self.twenty), 400, "DIGEST_INVALID")
    }

    @Test func case37SinglePostAndCancelling() throws {
        let server = try Server()
        let answer = try server.request(
            "POST", "/v2/m/t/blobs/uploads/?digest=\(Self.digest)", [("Content-Type", "application/octet-stream")],
            body: .whole(Self.twenty))
        switch answer.status {
        case 201:
            #expect(answer["location"] == "\(server.baseURL)/v2/m/t/blobs/\(Self.digest)")
            #expect(try server.get(answer.location).body == Self.twenty)
        case 202:
            #expect(try server.head("/v2/m/t/blobs/\(Self.digest)").status == 404)
            #expect(try server.finish(answer.location, Self.digest, Self.twenty).status == 201)
        default: Issue.record("\(answer.status) \(answer.text)")
        }
        let location = try server.startUpload(in: "m/t")
        #expect(try server.delete(location).status == 204)
        expect(try server.delete(location), 404, "BLOB_UPLOAD_UNKNOWN")
        try unlikeTheOriginal("leaves the state of its hash") {
            #expect(server.files(below: "repositories/m/t/_uploads") == [])
        }
    }

    @Test func case38Mounting() throws {
        let server = try Server.withHello()
        let digest = TinyImage.hello.layerDigest
        let uploads = "/v2/m/t/blobs/uploads/"
        for query in [
            "mount=\(digest)&from=nope", "mount=sha256:abc&from=library/hello",
            "mount=\(Self.absent)&from=library/hello",
        ] {
            let answer = try server.request("POST", "\(uploads)?\(query)")
            #expect(answer.status == 202 && answer["docker-upload-uuid"] != nil, "\(query)")
        }
        // Without a repository to take it from, the specification leaves the choice.
        let anywhere = try server.request("POST", "/v2/some/where/blobs/uploads/?mount=\(digest)")
        #expect(anywhere.status == 202)
        let answer = try server.request("POST", "\(uploads)?mount=\(digest)&from=library/hello")
        #expect(answer.status == 201 && answer["location"] == "\(server.baseURL)/v2/m/t/blobs/\(digest)")
        #expect(answer["docker-content-digest"] == digest)
        #expect(try server.get(answer.location).body == TinyImage.hello.layer)
    }
}

import Foundation
import ImageModel
import Testing

/// Rules for pushing blobs.
extension ConformanceRow {
    private static let bytes = Array("some bytes of a blob".utf8)
    private static let digest = Digest(of: bytes).description
    private static let octets = [("Content-Type", "application/octet-stream")]

    static let pushBlobs: [ConformanceRow] = [
        ConformanceRow("blob-01", "Pushing blobs", .should, "refuse bad digests and unknown algorithms with 400") {
            store throws in
            for bad in ["sha256:abc", "md5:d41d8cd98f00b204e9800998ecf8427e", "nonsense", ConformanceStore.absent] {
                #expect(try store.api.finish(store.start(), bad, bytes).status == 400, "\(bad)")
            }
        },
        ConformanceRow("blob-02", "POST then PUT", .must, "open an upload with 202 and a Location") { store throws in
            let answer = try store.api.request("POST", "/v2/\(store.name)/blobs/uploads/")
            #expect(answer.status == 202 && !answer.location.isEmpty)
        },
        ConformanceRow("blob-03", "POST then PUT", .must, "put an identifier of each upload's own into the Location") {
            store throws in
            let ids = try (0..<5).map { _ throws in
                try #require(try store.start().firstMatch(of: /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/)).0
            }
            #expect(Set(ids).count == 5)
        },
        ConformanceRow("blob-04", "POST then PUT", .must, "take the blob with 201 and say where it is") {
            store throws in
            let answer = try store.api.request(
                "PUT", adding("digest=\(digest)", to: store.start()), octets, body: .whole(bytes))
            #expect(answer.status == 201)
            #expect(try store.api.get(answer.location).body == bytes)
        },
        ConformanceRow(
            "blob-05", "Single POST", .must, "take a blob with 201 and its Location, or else begin an upload with 202"
        ) { store throws in
            let answer = try store.api.request(
                "POST", "/v2/\(store.name)/blobs/uploads/?digest=\(digest)", octets, body: .whole(bytes))
            if answer.status == 202 {
                #expect(try store.api.finish(answer.location, digest, bytes).status == 201)
            } else {
                #expect(answer.status == 201)
                #expect(try store.api.get(answer.location).body == bytes)
            }
            #expect(try store.api.get(store.blob(digest)).body == bytes)
        },
        ConformanceRow("blob-06", "Single POST", .must, "take no blob that has another digest") { store throws in
            let absent = ConformanceStore.absent
            let answer = try store.api.request(
                "POST", "/v2/\(store.name)/blobs/uploads/?digest=\(absent)", octets, body: .whole(bytes))
            #expect(answer.status == 400 || answer.status == 202)
            #expect(try store.api.head(store.blob(absent)).status == 404)
            #expect(try store.api.head(store.blob(digest)).status == 404)
        },
        ConformanceRow("blob-07", "Single POST", .must, "take no blob that is shorter than its Content-Length") {
            store throws in
            let conversation = try HTTPConversation(store.api.address)
            let target = try adding("digest=\(digest)", to: store.start())
            try conversation.send(conversation.head("PUT", target, octets + [("Content-Length", "100")]) + bytes)
            conversation.finishSending()
            // Refused, or the connection is closed.
            if let answer = try? conversation.response(to: "PUT") { #expect(answer.status >= 400) }
            #expect(try store.api.head(store.blob(digest)).status == 404)
        },
        ConformanceRow(
            "blob-08", "Pushing a blob in chunks", .must, "open an upload when told that there is no content"
        ) { store throws in
            let answer = try store.api.request(
                "POST", "/v2/\(store.name)/blobs/uploads/", [("Content-Length", "0")])
            #expect(answer.status == 202)
        },
        ConformanceRow("blob-09", "Pushing a blob in chunks", .should, "take an algorithm that was announced") {
            store throws in
            let long = Digest(of: bytes, algorithm: .sha512).description
            let start = try store.api.request(
                "POST", "/v2/\(store.name)/blobs/uploads/?digest-algorithm=sha512")
            #expect(start.status == 202)
            let chunk = try store.api.patch(start.location, bytes, range: "0-\(bytes.count - 1)")
            #expect(try store.api.finish(chunk.location, long).status == 201)
            #expect(try store.api.get(store.blob(long)).body == bytes)
        },
        ConformanceRow("blob-10", "Pushing a blob in chunks", .should, "say how small a chunk may be, or take any") {
            store throws in
            let start = try store.api.request("POST", "/v2/\(store.name)/blobs/uploads/")
            let minimum = start["oci-chunk-min-length"]
            #expect(minimum == nil || Int(minimum ?? "") != nil)
            if Int(minimum ?? "0") ?? 0 <= 1 {
                var location = start.location
                for (index, byte) in bytes.enumerated() {
                    let answer = try store.api.patch(location, [byte], range: "\(index)-\(index)")
                    #expect(answer.status == 202)
                    location = answer.location
                }
                #expect(try store.api.finish(location, digest).status == 201)
            }
        },
        ConformanceRow(
            "blob-11", "Pushing a blob in chunks", .must, "answer each chunk with 202, a Location and the Range so far"
        ) { store throws in
            var location = try store.start()
            for (chunk, range) in [(bytes[..<7], "0-6"), (bytes[7..<12], "7-11"), (bytes[12...], "12-19")] {
                let answer = try store.api.patch(location, Array(chunk), range: range)
                let end = range.split(separator: "-")[1]
                #expect(answer.status == 202 && answer["range"] == "0-\(end)" && !answer.location.isEmpty)
                location = answer.location
            }
            let end = try store.api.finish(location, digest)
            #expect(end.status == 201)
            #expect(try store.api.get(end.location).body == bytes)
        },
        ConformanceRow(
            "blob-12", "Pushing a blob in chunks", .must, "refuse with 416 a first chunk that is none",
            original: "does not look at Content-Range"
        ) { store throws in
            #expect(try store.api.patch(store.start(), bytes, range: "5-24").status == 416)
        },
        ConformanceRow(
            "blob-13", "Pushing a blob in chunks", .must, "refuse with 416 a chunk out of order",
            original: "does not look at Content-Range"
        ) { store throws in
            let first = try store.api.patch(store.start(), Array(bytes[..<10]), range: "0-9")
            for range in ["11-20", "9-18", "0-9", "100-109"] {
                let answer = try store.api.patch(first.location, Array(bytes[10...]), range: range)
                #expect(answer.status == 416, "\(range): \(answer.status)")
            }
        },
        ConformanceRow(
            "blob-14", "Pushing a blob in chunks", .must, "tell with 204 how far an upload is, and go on after a 416",
            original: "does not look at Content-Range"
        ) { store throws in
            let first = try store.api.patch(store.start(), Array(bytes[..<10]), range: "0-9")
            #expect(try store.api.patch(first.location, Array(bytes[11...]), range: "11-19").status == 416)
            let status = try store.api.get(first.location)
            #expect(status.status == 204 && status["range"] == "0-9" && !status.location.isEmpty)
            let rest = try store.api.patch(status.location, Array(bytes[10...]), range: "10-19")
            #expect(rest.status == 202 && rest["range"] == "0-19")
            #expect(try store.api.finish(rest.location, digest).status == 201)
        },
        ConformanceRow(
            "blob-15", "Pushing a blob in chunks", .must, "tell from any Location of the upload how far it is",
            original: "forgets old Locations"
        ) { store throws in
            let start = try store.start()
            let first = try store.api.patch(start, Array(bytes[..<10]), range: "0-9")
            for location in [start, first.location] {
                let status = try store.api.get(location)
                #expect(status.status == 204 && status["range"] == "0-9")
            }
        },
        ConformanceRow("blob-16", "Pushing a blob in chunks", .must, "show no blob before its upload is closed") {
            store throws in
            let chunk = try store.api.patch(store.start(), bytes, range: "0-19")
            #expect(try store.api.head(store.blob(digest)).status == 404)
            #expect(try store.api.finish(chunk.location, digest).status == 201)
            #expect(try store.api.head(store.blob(digest)).status == 200)
        },
        ConformanceRow("blob-17", "Pushing a blob in chunks", .must, "take the last chunk with the closing PUT") {
            store throws in
            let first = try store.api.patch(store.start(), Array(bytes[..<10]), range: "0-9")
            let answer = try store.api.request(
                "PUT", adding("digest=\(digest)", to: first.location), octets + [("Content-Range", "10-19")],
                body: .whole(Array(bytes[10...])))
            #expect(answer.status == 201)
            #expect(try store.api.get(answer.location).body == bytes)
        },
        ConformanceRow(
            "blob-18", "Pushing a blob in chunks", .must, "refuse with 416 a last chunk out of order",
            original: "does not look at Content-Range"
        ) { store throws in
            let first = try store.api.patch(store.start(), Array(bytes[..<10]), range: "0-9")
            let answer = try store.api.request(
                "PUT", adding("digest=\(digest)", to: first.location), octets + [("Content-Range", "12-21")],
                body: .whole(Array(bytes[10...])))
            #expect(answer.status == 416)
            #expect(try store.api.head(store.blob(digest)).status == 404)
        },
        ConformanceRow("blob-19", "Cancel a blob upload", .should, "end a cancelled upload with 204, for good") {
            store throws in
            let location = try store.api.patch(store.start(), bytes).location
            #expect(try store.api.delete(location).status == 204)
            #expect(try store.api.get(location).status == 404)
            #expect(try store.api.patch(location, bytes).status == 404)
        },
        ConformanceRow(
            "blob-20", "Cancel a blob upload", .should, "give up uploads that nobody finishes",
            original: "begins with that up to an hour later"
        ) { store throws in
            guard !Server.Program.isOriginal else { throw HTTPConversation.Failure.closed }
            let purging = "{enabled: true, age: 1s, interval: 1s, dryrun: false}"
            let server = try Server(.init(storage: "maintenance: {uploadpurging: \(purging)}"))
            let location = try server.startUpload(in: store.name)
            let deadline = Date.now + 60
            while try server.get(location).status != 404, Date.now < deadline { usleep(100_000) }
            #expect(try server.get(location).status == 404)
        },
        ConformanceRow("blob-21", "Mounting a blob", .must, "mount with 201 and say where the blob is") {
            store throws in
            let image = try store.push()
            let answer = try store.api.request(
                "POST", "/v2/\(store.name)/other/blobs/uploads/?mount=\(image.layerDigest)&from=\(store.name)")
            #expect(answer.status == 201)
            #expect(answer["docker-content-digest"] == image.layerDigest)
            #expect(answer.location.contains("\(store.name)/other/blobs/"))
            #expect(try store.api.get(answer.location).body == image.layer)
        },
        ConformanceRow("blob-22", "Mounting a blob", .should, "begin an upload with 202 where it cannot mount") {
            store throws in
            let image = try store.push()
            for query in [
                "mount=\(ConformanceStore.absent)&from=\(store.name)",
                "mount=\(image.layerDigest)&from=\(store.name)/none",
            ] {
                let answer = try store.api.request("POST", "/v2/\(store.name)/third/blobs/uploads/?\(query)")
                #expect(answer.status == 202)
                #expect(try store.api.finish(answer.location, digest, bytes).status == 201)
            }
        },
    ]
}

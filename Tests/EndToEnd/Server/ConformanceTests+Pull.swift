import Foundation
import ImageModel
import Testing

/// Rules for pulling.
extension ConformanceRow {
    static let pull: [ConformanceRow] = [
        ConformanceRow("pull-01", "Pulling manifests", .must, "take every name of the grammar") { store throws in
            for name in ["0", "a-b", "a--b", "a_b", "a__b", "a.b", "a/b/c/d", "x9.y_z--w"] {
                let image = TinyImage(name, type: TinyImage.oci)
                try store.api.push(image, to: "\(store.name)/\(name)", as: "1")
                let answer = try store.api.get("/v2/\(store.name)/\(name)/manifests/1", ConformanceStore.acceptAll)
                #expect(answer.body == image.manifest, "\(name)")
            }
        },
        ConformanceRow("pull-02", "Pulling manifests", .must, "take no name outside the grammar") { store throws in
            for name in ["UPPER", "a..b", "a___b", "_a", "a-", "a/_b", "a%20b"] {
                let put = try store.api.put([123, 125], TinyImage.oci, as: "1", in: "\(store.name)/\(name)")
                #expect((400..<500).contains(put.status), "\(name): \(put.status)")
                let post = try store.api.request("POST", "/v2/\(store.name)/\(name)/blobs/uploads/")
                #expect((400..<500).contains(post.status), "\(name): \(post.status)")
            }
        },
        ConformanceRow("pull-03", "Pulling manifests", .must, "take tags of up to 128 characters of the grammar") {
            store throws in
            let image = try store.push()
            for tag in ["_", "A.b-c_9", "0", String(repeating: "t", count: 128)] {
                try store.put(image.manifest, image.type, as: tag)
                #expect(try store.get(tag).body == image.manifest, "\(tag)")
            }
        },
        ConformanceRow(
            "pull-04", "Pulling manifests", .must, "take nothing else for a tag or digest",
            original: "says 500 for a digest that is too short"
        ) { store throws in
            let image = try store.push()
            for tag in ["-a", ".a", "a+b", "a%20b", "sha256:00", "sha256:", "a:b", String(repeating: "t", count: 129)] {
                let put = try store.api.put(image.manifest, image.type, as: tag, in: store.name)
                #expect((400..<500).contains(put.status), "PUT \(tag): \(put.status)")
                let get = try store.get(tag)
                #expect((400..<500).contains(get.status), "GET \(tag): \(get.status)")
            }
        },
        ConformanceRow("pull-05", "Pulling manifests", .must, "give the manifest and 200, by tag and by digest") {
            store throws in
            let image = try store.push()
            for name in ["1", image.digest] {
                let answer = try store.get(name)
                #expect(answer.status == 200 && answer.body == image.manifest)
            }
        },
        ConformanceRow("pull-06", "Pulling manifests", .should, "give the type it was pushed with") { store throws in
            let (oci, docker) = (try store.push(), TinyImage(store.name))
            try store.api.push(docker, to: store.name, as: "docker")
            try store.put(TinyImage.index(of: [oci]), TinyImage.index, as: "index")
            try store.put(
                TinyImage.index(of: [docker], type: TinyImage.dockerList), TinyImage.dockerList, as: "list")
            for (tag, type) in [
                ("1", TinyImage.oci), ("docker", TinyImage.docker), ("index", TinyImage.index),
                ("list", TinyImage.dockerList),
            ] {
                #expect(try store.get(tag)["content-type"]?.split(separator: ";").first.map(String.init) == type)
            }
        },
        ConformanceRow("pull-07", "Pulling manifests", .should, "put no parameters behind the type") { store throws in
            try store.push()
            #expect(try store.get("1")["content-type"] == TinyImage.oci)
        },
        ConformanceRow("pull-08", "Pulling manifests", .must, "say the manifest's digest") { store throws in
            let image = try store.push()
            for name in ["1", image.digest] {
                #expect(try store.get(name)["docker-content-digest"] == image.digest)
            }
        },
        ConformanceRow("pull-09", "Pulling manifests", .must, "answer 404 for a manifest that is not there") {
            store throws in
            try store.push()
            #expect(try store.get("nope").status == 404)
            #expect(try store.get(ConformanceStore.absent).status == 404)
        },
        ConformanceRow(
            "pull-10", "Pulling manifests", .should, "give what is there whatever is accepted",
            original: "shows OCI types only to those who name them"
        ) { store throws in
            let image = try store.push()
            for accepted in ["*/*", "application/*", "application/json", TinyImage.docker] {
                let answer = try store.api.get(store.manifest(image.digest), [("Accept", accepted)])
                #expect(answer.status == 200 && answer.body == image.manifest, "\(accepted)")
            }
        },
        ConformanceRow("pull-11", "Pulling blobs", .must, "give the blob and 200") { store throws in
            let image = try store.push()
            for (digest, bytes) in [(image.layerDigest, image.layer), (image.configDigest, image.config)] {
                let answer = try store.api.get(store.blob(digest))
                #expect(answer.status == 200 && answer.body == bytes)
            }
        },
        ConformanceRow("pull-12", "Pulling blobs", .must, "say the blob's digest, of the bytes that it gives") {
            store throws in
            let image = try store.push()
            let answer = try store.api.get(store.blob(image.layerDigest))
            #expect(answer["docker-content-digest"] == answer.digest)
        },
        ConformanceRow("pull-13", "Pulling blobs", .must, "answer 404 for a blob that is not in the repository") {
            store throws in
            let image = try store.push()
            #expect(try store.api.get(store.blob(ConformanceStore.absent)).status == 404)
            try store.api.push(TinyImage("neighbour"), to: "\(store.name)/other", as: "1")
            #expect(try store.api.get("/v2/\(store.name)/other/blobs/\(image.layerDigest)").status == 404)
        },
        ConformanceRow("pull-14", "Pulling blobs", .should, "give the part that Range asks for") { store throws in
            let image = try store.push()
            for (range, part) in [("0-0", 0...0), ("10-19", 10...19), ("90-", 90...107), ("-8", 100...107)] {
                let answer = try store.api.get(store.blob(image.layerDigest), [("Range", "bytes=\(range)")])
                #expect(answer.status == 206 && answer.body == Array(image.layer[part]), "\(range)")
                #expect(answer["content-range"] == "bytes \(part.lowerBound)-\(part.upperBound)/108")
            }
        },
        ConformanceRow(
            "pull-15", "Pulling blobs", .should, "refuse a range beyond the end with 416",
            original: "closes the connection early"
        ) { store throws in
            let image = try store.push()
            let answer = try store.api.get(store.blob(image.layerDigest), [("Range", "bytes=200-")])
            #expect(answer.status == 416 && answer["content-range"] == "bytes */108")
        },
        ConformanceRow("pull-16", "Pulling blobs", .should, "give all where If-Range speaks of something else") {
            store throws in
            let image = try store.push()
            for (tag, status) in [("\"\(image.layerDigest)\"", 206), ("\"\(ConformanceStore.absent)\"", 200)] {
                let answer = try store.api.get(
                    store.blob(image.layerDigest), [("Range", "bytes=0-9"), ("If-Range", tag)])
                #expect(answer.status == status && answer.body.count == (status == 206 ? 10 : 108), "\(tag)")
            }
        },
        ConformanceRow("pull-17", "Checking if content exists", .must, "answer HEAD with 200 for what is there") {
            store throws in
            let image = try store.push()
            for target in [store.manifest("1"), store.manifest(image.digest), store.blob(image.layerDigest)] {
                let answer = try store.api.head(target, ConformanceStore.acceptAll)
                #expect(answer.status == 200 && answer.body.isEmpty)
            }
        },
        ConformanceRow("pull-18", "Checking if content exists", .must, "say the digest to HEAD") { store throws in
            let image = try store.push()
            for (target, digest) in [
                (store.manifest("1"), image.digest), (store.blob(image.layerDigest), image.layerDigest),
            ] {
                #expect(try store.api.head(target, ConformanceStore.acceptAll)["docker-content-digest"] == digest)
            }
        },
        ConformanceRow("pull-19", "Checking if content exists", .must, "say the size to HEAD") { store throws in
            let image = try store.push()
            for (target, size) in [
                (store.manifest("1"), image.manifest.count), (store.blob(image.layerDigest), image.layer.count),
            ] {
                #expect(try store.api.head(target, ConformanceStore.acceptAll)["content-length"] == "\(size)")
            }
        },
        ConformanceRow("pull-20", "Checking if content exists", .must, "answer HEAD with 404 for what is not there") {
            store throws in
            try store.push()
            for target in [
                store.manifest("x"), store.manifest(ConformanceStore.absent), store.blob(ConformanceStore.absent),
            ] {
                let answer = try store.api.head(target, ConformanceStore.acceptAll)
                #expect(answer.status == 404 && answer.body.isEmpty)
            }
        },
        ConformanceRow("pull-21", "Pushing manifests", .must, "answer 404 for a repository that is not there") {
            store throws in
            for target in [store.manifest("1"), store.blob(ConformanceStore.absent)] {
                #expect(try store.api.get(target, ConformanceStore.acceptAll).status == 404)
                #expect(try store.api.head(target, ConformanceStore.acceptAll).status == 404)
            }
        },
    ]
}

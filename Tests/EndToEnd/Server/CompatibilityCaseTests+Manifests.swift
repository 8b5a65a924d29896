import Foundation
import ImageModel
import Testing

/// Manifests: cases 11 to 26.
extension CompatibilityCaseTests {
    static let hello = "/v2/library/hello/manifests"
    static let absent = "sha256:" + String(repeating: "0", count: 64)

    @Test func case11HeadOfATag() throws {
        let server = try Server.withHello()
        let digest = TinyImage.hello.digest
        let answer = try server.head("\(Self.hello)/latest", [("Accept", TinyImage.docker)])
        #expect(answer.status == 200 && answer.body.isEmpty)
        #expect(answer["content-type"] == TinyImage.docker && answer["content-length"] == "583")
        #expect(answer["docker-content-digest"] == digest && answer["etag"] == "\"\(digest)\"")
        #expect(answer["docker-distribution-api-version"] == "registry/2.0")
    }

    @Test func case12ConditionalRequests() throws {
        let server = try Server.withHello()
        let digest = TinyImage.hello.digest
        for (tag, statuses) in [
            ("\"\(digest)\"", [304]), (digest, [304]), ("W/\"\(digest)\"", [200, 304]), ("*", [200, 304]),
            ("\"\(Self.absent)\"", [200]),
        ] {
            for method in ["HEAD", "GET"] {
                let answer = try server.request(
                    method, "\(Self.hello)/latest", [("Accept", TinyImage.docker), ("If-None-Match", tag)])
                #expect(statuses.contains(answer.status), "\(method) \(tag): \(answer.status)")
                #expect(answer.status == 200 || answer.body.isEmpty)
            }
        }
    }

    @Test func case13StoredBytesByDigestWhateverIsAccepted() throws {
        let server = try Server.withHello()
        let image = TinyImage.hello
        let answer = try server.get("\(Self.hello)/\(image.digest)")
        #expect(answer.status == 200 && answer.body == image.manifest && answer["content-type"] == image.type)
        let other = TinyImage(type: TinyImage.oci)
        try server.push(other, to: "library/hello", as: "oci")
        let index = TinyImage.index(of: [other])
        #expect(try server.put(index, TinyImage.index, as: "index", in: "library/hello").status == 201)
        try unlikeTheOriginal("shows OCI types only to those who name them") {
            for (name, bytes, type) in [
                (other.digest, other.manifest, TinyImage.oci), ("oci", other.manifest, TinyImage.oci),
                (Digest(of: index).description, index, TinyImage.index), ("index", index, TinyImage.index),
            ] {
                for accepted in ["", "*/*", TinyImage.docker] {
                    let answer = try server.get("\(Self.hello)/\(name)", [("Accept", accepted)])
                    #expect(answer.status == 200 && answer.body == bytes, "\(name) accepting '\(accepted)'")
                    #expect(answer["content-type"] == type)
                }
            }
        }
    }

    @Test func case14StoredBytesByTag() throws {
        let server = try Server.withHello()
        let image = TinyImage.hello
        try unlikeTheOriginal("makes a schema1 of it") {
            let answer = try server.get("\(Self.hello)/latest")
            #expect(answer.status == 200 && answer.body == image.manifest)
            #expect(answer["docker-content-digest"] == image.digest && answer["content-type"] == image.type)
        }
        // What is not stored cannot be deleted, whoever said that digest.
        expect(try server.delete("\(Self.hello)/\(Self.absent)"), 404, "MANIFEST_UNKNOWN")
        #expect(try server.head("\(Self.hello)/\(image.digest)").status == 200)
    }

    @Test func case15UnknownManifests() throws {
        let server = try Server.withHello()
        for name in [
            "library/hello/manifests/nope", "no/such/manifests/latest", "library/hello/manifests/\(Self.absent)",
        ] {
            expect(try server.get("/v2/\(name)"), 404, "MANIFEST_UNKNOWN")
            #expect(try server.head("/v2/\(name)").status == 404)
        }
        try unlikeTheOriginal("says 500") {
            let answer = try server.get("\(Self.hello)/sha256:00")
            #expect(answer.status == 404 || (answer.status == 400 && answer.codes == ["DIGEST_INVALID"]))
        }
    }

    @Test func case16ManifestsBeforeTheirBlobs() throws {
        let server = try Server.withHello()
        let image = TinyImage("other")
        let both = try server.put(image.manifest, image.type, as: "v1", in: "m/t")
        expect(both, 400, "MANIFEST_BLOB_UNKNOWN", "MANIFEST_BLOB_UNKNOWN")
        #expect(both.errors.allSatisfy { $0["message"] as? String == "blob unknown to registry" })
        #expect(Set(both.errors.compactMap { $0["detail"] as? String }) == [image.configDigest, image.layerDigest])
        try server.push(blob: image.config, to: "m/t")
        let one = try server.put(image.manifest, image.type, as: "v1", in: "m/t")
        expect(one, 400, "MANIFEST_BLOB_UNKNOWN")
        #expect(one.errors.first?["detail"] as? String == image.layerDigest)
        #expect(try server.get("/v2/m/t/manifests/v1").status == 404)
        // A blob of another repository is none of this one's.
        expect(
            try server.put(TinyImage.hello.manifest, TinyImage.docker, as: "v1", in: "m/t"), 400,
            "MANIFEST_BLOB_UNKNOWN", "MANIFEST_BLOB_UNKNOWN")
    }

    @Test func case17AManifestIsTaken() throws {
        let server = try Server()
        let image = TinyImage()
        for name in ["v1", image.digest] {
            let answer = try server.push(image, to: "m/t", as: name)
            #expect(answer.status == 201 && answer.body.isEmpty && answer["content-length"] == "0")
            #expect(answer["location"] == "\(server.baseURL)/v2/m/t/manifests/\(image.digest)")
            #expect(answer["docker-content-digest"] == image.digest)
            #expect(try server.get(answer.location, [("Accept", image.type)]).body == image.manifest)
        }
    }

    @Test func case18ManifestsAreKeptToTheByte() throws {
        let server = try Server()
        let image = TinyImage()
        try server.push(image, to: "m/t")
        let spaced = image.manifest + Array(" \n ".utf8)
        let digest = Digest(of: spaced).description
        #expect(try server.put(spaced, image.type, as: digest, in: "m/t").status == 201)
        let answer = try server.get("/v2/m/t/manifests/\(digest)", [("Accept", image.type)])
        #expect(answer.body == spaced && answer["content-length"] == "\(spaced.count)")
        expect(try server.put(spaced, image.type, as: image.digest, in: "m/t"), 400, "DIGEST_INVALID")
        #expect(try server.get("/v2/m/t/manifests/\(image.digest)").body == image.manifest)
    }

    @Test func case19TypesAndBodies() throws {
        let server = try Server.withHello()
        let image = TinyImage.hello
        for type in [nil, "application/json", TinyImage.oci, TinyImage.dockerList] {
            let answer = try server.put(image.manifest, type, as: "bad", in: "library/hello")
            #expect(answer.status == 400 && answer.codes == ["MANIFEST_INVALID"], "\(type ?? "none"): \(answer.text)")
        }
        let parameters = try server.put(image.manifest, "\(image.type); charset=utf-8", as: "v1", in: "library/hello")
        #expect(parameters.status == 201)
        let oci = TinyImage(type: TinyImage.oci)
        let text = String(decoding: oci.manifest, as: UTF8.self)
        let untyped = Array(text.replacing("\"mediaType\":\"\(TinyImage.oci)\",", with: "").utf8)
        #expect(untyped.count < oci.manifest.count)
        try server.push(blob: oci.layer, to: "library/hello")
        try server.push(blob: oci.config, to: "library/hello")
        #expect(try server.put(untyped, TinyImage.oci, as: "v2", in: "library/hello").status == 201)
        #expect(
            try server.get("\(Self.hello)/v2", [("Accept", TinyImage.oci)])["content-type"] == TinyImage.oci)
        for body in ["{bad", ""] {
            expect(try server.put(Array(body.utf8), image.type, as: "v3", in: "library/hello"), 400, "MANIFEST_INVALID")
        }
        for tag in ["bad", "v3"] { #expect(try server.head("\(Self.hello)/\(tag)").status == 404) }
    }

    @Test(arguments: [TinyImage.index, TinyImage.dockerList]) func case20IndexesNeedTheirImages(_ type: String) throws {
        let server = try Server()
        let image = TinyImage(type: type == TinyImage.index ? TinyImage.oci : TinyImage.docker)
        let index = TinyImage.index(of: [image], type: type)
        let refused = try server.put(index, type, as: "multi", in: "m/t")
        expect(refused, 400, "MANIFEST_BLOB_UNKNOWN")
        #expect(refused.errors.first?["detail"] as? String == image.digest)
        try server.push(image, to: "m/t")
        #expect(try server.put(index, type, as: "multi", in: "m/t").status == 201)
        #expect(try server.get("/v2/m/t/manifests/multi", [("Accept", type)]).body == index)
    }

    @Test func case21HugeManifests() throws {
        let server = try Server.withHello()
        let huge = TinyImage(length: (4 << 20) + 1)
        let answer = try server.put(huge.manifest, huge.type, as: "huge", in: "library/hello")
        #expect([400, 413].contains(answer.status) && answer.codes == ["MANIFEST_INVALID"], "\(answer.status)")
        #expect(try server.head("\(Self.hello)/huge").status == 404)
        #expect(server.file(Server.blobPath(huge.digest)) == nil)
        let large = TinyImage(length: 4 << 20)
        #expect(try server.put(large.manifest, large.type, as: "large", in: "library/hello").status == 201)
        #expect(try server.get("\(Self.hello)/\(large.digest)").digest == large.digest)
    }

    @Test func case22SubjectsThatAreNotThere() throws {
        let server = try Server()
        let subject = TinyImage("subject", type: TinyImage.oci)
        let signature = TinyImage("signature", type: TinyImage.oci, fields: ",\"subject\":\(subject.descriptor)")
        let answer = try server.push(signature, to: "m/t", as: "v1")
        #expect(answer.status == 201)
        try unlikeTheOriginal("has no referrers") {
            #expect(answer["oci-subject"] == subject.digest)
            let list = try server.get("/v2/m/t/referrers/\(subject.digest)")
            #expect(list.manifests.compactMap { $0["digest"] as? String } == [signature.digest])
            let unknown = try server.get("/v2/m/t/referrers/\(Self.absent)")
            #expect(unknown.status == 200 && unknown["content-type"] == TinyImage.index)
            #expect(unknown.manifests.isEmpty && unknown.object["manifests"] != nil)
            #expect(try server.get("/v2/never/pushed/referrers/\(Self.absent)").status == 200)
        }
    }
}

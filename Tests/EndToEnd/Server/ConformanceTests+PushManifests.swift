import Foundation
import ImageModel
import Testing

/// Rules for pushing manifests.
extension ConformanceRow {
    static let pushManifests: [ConformanceRow] = [
        ConformanceRow("manifest-01", "Push", .must, "take a manifest before the subject that it speaks of") {
            store throws in
            let subject = TinyImage("\(store.name) subject", type: TinyImage.oci)
            try store.push("artifact", fields: ",\"subject\":\(subject.descriptor)")
            try store.api.push(subject, to: store.name)
        },
        ConformanceRow("manifest-02", "Push", .must, "name every missing blob or image as MANIFEST_BLOB_UNKNOWN") {
            store throws in
            let image = TinyImage("\(store.name) missing", type: TinyImage.oci)
            let answer = try store.api.put(image.manifest, image.type, as: "1", in: store.name)
            if answer.status != 201 {
                #expect(Set(answer.codes) == ["MANIFEST_BLOB_UNKNOWN"])
            }
            let index = try store.api.put(TinyImage.index(of: [image]), TinyImage.index, as: "2", in: store.name)
            if index.status != 201 {
                #expect(Set(index.codes) == ["MANIFEST_BLOB_UNKNOWN"])
            }
        },
        ConformanceRow("manifest-03", "Pushing manifests", .must, "take a manifest by tag with 201 and say where it is")
        { store throws in
            let image = TinyImage(store.name, type: TinyImage.oci)
            let answer = try store.api.push(image, to: store.name, as: "1")
            #expect(answer.status == 201)
            #expect(try store.api.get(answer.location, ConformanceStore.acceptAll).body == image.manifest)
        },
        ConformanceRow(
            "manifest-04", "Pushing manifests", .must, "take a manifest by digest with 201 and say where it is"
        ) { store throws in
            let image = TinyImage(store.name, type: TinyImage.oci)
            let answer = try store.api.push(image, to: store.name)
            #expect(answer.status == 201)
            #expect(try store.api.get(answer.location, ConformanceStore.acceptAll).body == image.manifest)
        },
        ConformanceRow("manifest-05", "Pushing manifests", .must, "keep a manifest to the byte") { store throws in
            let image = try store.push()
            for ending in ["\n", " ", "\r\n\t "] {
                let bytes = image.manifest + Array(ending.utf8)
                try store.put(bytes, image.type, as: "spaced")
                #expect(try store.get("spaced").body == bytes)
            }
        },
        ConformanceRow("manifest-06", "Pushing manifests", .should, "overlook parameters of the type") { store throws in
            let image = try store.push()
            try store.put(image.manifest, "\(image.type); charset=utf-8", as: "2")
            #expect(try store.get("2")["content-type"] == image.type)
        },
        ConformanceRow("manifest-07", "Pushing manifests", .must, "say the digest that the client said") {
            store throws in
            let image = TinyImage(store.name, type: TinyImage.oci)
            #expect(try store.api.push(image, to: store.name)["docker-content-digest"] == image.digest)
        },
        ConformanceRow("manifest-08", "Pushing manifests", .must, "take no manifest under another digest") {
            store throws in
            let image = try store.push()
            let answer = try store.api.put(image.manifest, image.type, as: ConformanceStore.absent, in: store.name)
            #expect(answer.status == 400)
            #expect(try store.get(ConformanceStore.absent).status == 404)
        },
        ConformanceRow("manifest-09", "Pushing manifests", .must, "take a manifest without layers") { store throws in
            let image = TinyImage(store.name, type: TinyImage.oci)
            try store.api.push(blob: image.config, to: store.name)
            let text = String(decoding: image.manifest, as: UTF8.self).replacing(
                /"layers":\[.*?\]/, with: "\"layers\":[]")
            try store.put(Array(text.utf8), image.type, as: "1")
            #expect(try store.get("1").text == text)
            try store.put(TinyImage.emptyIndex, TinyImage.index, as: "2")
        },
        ConformanceRow(
            "manifest-10", "Pushing manifests", .should, "set every tag asked for beside a digest, ten at least, if any"
        ) { store throws in
            let image = try store.push(as: nil)
            let tags = (1...10).map { "v\($0)" }
            let answer = try store.api.put(
                image.manifest, image.type, as: "\(image.digest)?\(tags.map { "tag=\($0)" }.joined(separator: "&"))",
                in: store.name)
            #expect(answer.status == 201)
            let set = answer.values("oci-tag").flatMap { $0.split(separator: ",").map { String($0).trimmed } }
            #expect(set.isEmpty || set.sorted() == tags.sorted())
            for tag in tags { #expect(try store.get(tag).status == (set.isEmpty ? 404 : 200)) }
        },
        ConformanceRow(
            "manifest-11", "Pushing manifests", .should, "limit the size of manifests, and answer 413 beyond",
            original: "says 400"
        ) { store throws in
            try store.push()
            let huge = TinyImage("\(store.name) image", type: TinyImage.oci, length: 20 << 20)
            let answer = try store.api.put(huge.manifest, huge.type, as: "huge", in: store.name)
            #expect(answer.status == 413)
            #expect(try store.get("huge").status == 404)
        },
        ConformanceRow("manifest-12", "Pushing manifests", .should, "take manifests of four megabytes") {
            store throws in
            try store.push()
            let large = TinyImage("\(store.name) image", type: TinyImage.oci, length: 4_000_000)
            try store.put(large.manifest, large.type, as: "large")
            #expect(try store.get("large").digest == large.digest)
        },
        ConformanceRow(
            "manifest-13", "Pushing manifests with subject", .must,
            "answer with OCI-Subject to a manifest that has a subject",
            original: "has no referrers"
        ) { store throws in
            let there = try store.push("there")
            for subject in [there, TinyImage("absent", type: TinyImage.oci)] {
                for tag in [nil, "tag"] {
                    let artifact = TinyImage(
                        "\(store.name) \(subject.digest)", type: TinyImage.oci,
                        fields: ",\"subject\":\(subject.descriptor)")
                    #expect(try store.api.push(artifact, to: store.name, as: tag)["oci-subject"] == subject.digest)
                }
            }
        },
        ConformanceRow(
            "manifest-14", "Pushing manifests with subject", .must,
            "answer with OCI-Subject to an index that has a subject",
            original: "has no referrers"
        ) { store throws in
            let image = try store.push()
            let index = TinyImage.index(of: [image], fields: ",\"subject\":\(image.descriptor)")
            let answer = try store.api.put(index, TinyImage.index, as: "index", in: store.name)
            #expect(answer.status == 201 && answer["oci-subject"] == image.digest)
        },
        ConformanceRow(
            "manifest-15", "Pushing manifests with subject", .must,
            "answer without OCI-Subject to a manifest that has none"
        ) { store throws in
            let image = TinyImage(store.name, type: TinyImage.oci)
            #expect(try store.api.push(image, to: store.name)["oci-subject"] == nil)
        },
        ConformanceRow("manifest-16", "Push", .must, "take configs and layers of any type") { store throws in
            let empty = Array("{}".utf8)
            try store.api.push(blob: empty, to: store.name)
            let descriptor =
                #"{"mediaType":"application/vnd.oci.empty.v1+json","size":2,"digest":"\#(Digest(of: empty))"}"#
            let text =
                #"{"schemaVersion":2,"mediaType":"\#(TinyImage.oci)","artifactType":"text/x-of-ours","#
                + #""config":\#(descriptor),"layers":[\#(descriptor.replacing("vnd.oci.empty.v1+json", with: "x-any"))]}"#
            try store.put(Array(text.utf8), TinyImage.oci, as: "artifact")
            #expect(try store.get("artifact").text == text)
        },
    ]
}

import Foundation
import ImageModel
import Testing

/// Rules for listing referrers.
extension ConformanceRow {
    private static let none: Comment = "has no referrers"

    /// Pushes a manifest about another one.
    @discardableResult
    private static func push(
        _ seed: String, about subject: TinyImage, _ store: ConformanceStore, _ fields: String = "",
        configType: String? = nil
    ) throws -> TinyImage {
        try store.push(seed, as: nil, fields: ",\"subject\":\(subject.descriptor)\(fields)", configType: configType)
    }

    private static func list(_ digest: String, _ store: ConformanceStore, _ query: String = "") throws -> HTTPResponse {
        try store.api.get("/v2/\(store.name)/referrers/\(digest)\(query)")
    }

    private static func digests(_ answer: HTTPResponse) -> Set<String> {
        Set(answer.manifests.compactMap { $0["digest"] as? String })
    }

    static let referrers: [ConformanceRow] = [
        ConformanceRow(
            "referrers-01", "Listing referrers", .must, "list what speaks of a manifest with 200", original: none
        ) { store throws in
            let subject = try store.push()
            let artifact = try push("artifact", about: subject, store)
            let answer = try list(subject.digest, store)
            #expect(answer.status == 200 && digests(answer) == [artifact.digest])
        },
        ConformanceRow("referrers-02", "Listing referrers", .must, "never answer 404", original: none) { store throws in
            try store.push()
            #expect(try list(ConformanceStore.absent, store).status == 200)
            #expect(try store.api.get("/v2/\(store.name)/none/referrers/\(ConformanceStore.absent)").status == 200)
        },
        ConformanceRow("referrers-03", "Listing referrers", .must, "answer 400 to what is no digest", original: none) {
            store throws in
            try store.push()
            for bad in ["sha256:abc", "nonsense", "sha256:\(String(repeating: "G", count: 64))"] {
                #expect(try list(bad, store).status == 400, "\(bad)")
            }
        },
        ConformanceRow("referrers-04", "Listing referrers", .must, "give an image index", original: none) {
            store throws in
            let subject = try store.push()
            try push("artifact", about: subject, store)
            let object = try list(subject.digest, store).object
            #expect(object["schemaVersion"] as? Int == 2 && object["mediaType"] as? String == TinyImage.index)
            #expect(object["manifests"] is [[String: Any]])
        },
        ConformanceRow("referrers-05", "Listing referrers", .must, "give it the type of an image index", original: none)
        { store throws in
            let subject = try store.push()
            #expect(try list(subject.digest, store)["content-type"] == TinyImage.index)
        },
        ConformanceRow(
            "referrers-06", "Listing referrers", .must, "describe each by type, size and digest", original: none
        ) { store throws in
            let subject = try store.push()
            let artifact = try push("artifact", about: subject, store)
            let entry = try #require(try list(subject.digest, store).manifests.first)
            #expect(entry["mediaType"] as? String == TinyImage.oci && entry["digest"] as? String == artifact.digest)
            #expect(entry["size"] as? Int == artifact.manifest.count)
        },
        ConformanceRow("referrers-07", "Listing referrers", .must, "give a manifest's artifactType", original: none) {
            store throws in
            let subject = try store.push()
            try push("artifact", about: subject, store, ",\"artifactType\":\"text/x-sbom\"")
            #expect(try list(subject.digest, store).manifests.first?["artifactType"] as? String == "text/x-sbom")
        },
        ConformanceRow(
            "referrers-08", "Listing referrers", .must, "give the config's type where a manifest has no artifactType",
            original: none
        ) { store throws in
            let subject = try store.push()
            try push("absent", about: subject, store, configType: "text/x-config")
            try push("empty", about: subject, store, ",\"artifactType\":\"\"", configType: "text/x-config")
            let entries = try list(subject.digest, store).manifests
            #expect(entries.count == 2 && entries.allSatisfy { $0["artifactType"] as? String == "text/x-config" })
        },
        ConformanceRow(
            "referrers-09", "Listing referrers", .must, "give an index's artifactType, and none where it has none",
            original: none
        ) { store throws in
            let subject = try store.push()
            let fields = ",\"subject\":\(subject.descriptor)"
            let plain = TinyImage.index(of: [subject], fields: fields)
            let typed = TinyImage.index(of: [subject], fields: "\(fields),\"artifactType\":\"text/x-index\"")
            for index in [plain, typed] { try store.put(index, TinyImage.index, as: Digest(of: index).description) }
            let entries = try list(subject.digest, store).manifests
            #expect(entries.count == 2 && entries.allSatisfy { $0["mediaType"] as? String == TinyImage.index })
            for entry in entries {
                let isTyped = entry["digest"] as? String == Digest(of: typed).description
                #expect(entry["artifactType"] as? String == (isTyped ? "text/x-index" : nil))
            }
        },
        ConformanceRow("referrers-10", "Listing referrers", .must, "give the annotations", original: none) {
            store throws in
            let subject = try store.push()
            let annotations = #"{"a.b":"c","empty":"","nön/ascii":"\u0041 \"quoted\" ✓"}"#
            try push("artifact", about: subject, store, ",\"annotations\":\(annotations)")
            let entry = try list(subject.digest, store).manifests.first
            #expect(
                entry?["annotations"] as? [String: String]
                    == ["a.b": "c", "empty": "", "nön/ascii": "A \"quoted\" ✓"])
        },
        ConformanceRow(
            "referrers-11", "Listing referrers", .must, "list what is in the same repository, and nothing else",
            original: none
        ) { store throws in
            let subject = try store.push()
            let artifact = try push("artifact", about: subject, store)
            var other = store
            other.name += "/other"
            let elsewhere = try push("elsewhere", about: subject, other)
            #expect(digests(try list(subject.digest, store)) == [artifact.digest])
            #expect(digests(try list(subject.digest, other)) == [elsewhere.digest])
        },
        ConformanceRow(
            "referrers-12", "Listing referrers", .must, "give an empty list where nothing speaks of it", original: none
        ) { store throws in
            let subject = try store.push()
            for digest in [subject.digest, ConformanceStore.absent] {
                let answer = try list(digest, store)
                #expect(answer.status == 200 && (answer.object["manifests"] as? [Any])?.isEmpty == true)
            }
        },
        ConformanceRow(
            "referrers-13", "Listing referrers", .must, "link to what does not fit into one index", original: none
        ) { store throws in
            let subject = try store.push()
            // Five megabytes of annotations.
            let text = String(repeating: "x", count: 250_000)
            let wanted = try (0..<20).map {
                try push("\($0)", about: subject, store, ",\"annotations\":{\"a\":\"\($0) \(text)\"}").digest
            }
            var target: String? = "/v2/\(store.name)/referrers/\(subject.digest)"
            var (pages, found): (Int, [String]) = (0, [])
            while let next = target, pages < 30 {
                let answer = try store.api.get(next)
                #expect(answer.status == 200 && answer["content-type"] == TinyImage.index)
                #expect(answer["link"] == nil || answer.next != nil)
                #expect(answer.body.count <= 4 << 20 || answer.manifests.count == 1)
                found += digests(answer)
                (target, pages) = (answer.next, pages + 1)
            }
            #expect(found.sorted() == wanted.sorted())
        },
        ConformanceRow(
            "referrers-14", "Listing referrers", .should, "filter by artifactType, and say so", original: none
        ) { store throws in
            let subject = try store.push()
            let sbom = try push(
                "sbom", about: subject, store, ",\"artifactType\":\"application/vnd.example.sbom+json\"")
            let other = try push("other", about: subject, store, configType: "text/x-config")
            for (type, wanted) in [
                ("application/vnd.example.sbom%2Bjson", Set([sbom.digest])), ("text/x-config", [other.digest]),
                ("text%2Fx-config", [other.digest]), ("text/none", []),
            ] {
                let answer = try list(subject.digest, store, "?artifactType=\(type)")
                #expect(answer.status == 200 && digests(answer) == wanted, "\(type)")
                #expect(answer["oci-filters-applied"] == "artifactType")
            }
            #expect(try list(subject.digest, store)["oci-filters-applied"] == nil)
        },
        ConformanceRow(
            "referrers-15", "Enabling the referrers API", .must, "list what a fallback tag from before lists",
            original: none
        ) { store throws in
            // An older registry serves the same directory, and its clients keep the tag.
            let older = try Server(.init(bucket: store.bucket), root: store.api.root, program: .original)
            let subject = TinyImage("\(store.name) subject", type: TinyImage.oci)
            let artifact = TinyImage(
                "\(store.name) artifact", type: TinyImage.oci,
                fields: ",\"subject\":\(subject.descriptor),\"artifactType\":\"text/x-old\"")
            for image in [subject, artifact] { try older.push(image, to: store.name) }
            let tag = subject.digest.replacing(":", with: "-")
            let index = TinyImage.index(of: [artifact])
            #expect(try older.put(index, TinyImage.index, as: tag, in: store.name).status == 201)
            let entries = try list(subject.digest, store).manifests
            #expect(entries.map { $0["digest"] as? String } == [artifact.digest])
            #expect(entries.first?["artifactType"] as? String == "text/x-old")
        },
        ConformanceRow(
            "referrers-16", "Enabling the referrers API", .must, "list what was pushed since, tagged or not",
            original: none
        ) { store throws in
            let subject = TinyImage("\(store.name) later", type: TinyImage.oci)
            let before = try push("before", about: subject, store)
            try store.api.push(subject, to: store.name, as: "1")
            let fields = ",\"subject\":\(subject.descriptor)"
            let tagged = try store.push("tagged", as: "tagged", fields: fields)
            #expect(digests(try list(subject.digest, store)) == [before.digest, tagged.digest])
        },
        ConformanceRow("referrers-17", "Listing referrers", .must, "list only what is still there", original: none) {
            store throws in
            let subject = try store.push()
            let (one, two) = (try push("one", about: subject, store), try push("two", about: subject, store))
            #expect(try store.api.delete(store.manifest(one.digest)).status == 202)
            #expect(digests(try list(subject.digest, store)) == [two.digest])
            // The subject's going does not matter.
            #expect(try store.api.delete(store.manifest(subject.digest)).status == 202)
            #expect(digests(try list(subject.digest, store)) == [two.digest])
        },
    ]
}

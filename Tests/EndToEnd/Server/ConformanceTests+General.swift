import Foundation
import Testing

/// Rules for the whole API.
extension ConformanceRow {
    /// Requests that are refused, each another way.
    private static func refusals(_ store: ConformanceStore) throws -> [HTTPResponse] {
        let image = try store.push()
        let absent = ConformanceStore.absent
        let upload = try store.api.patch(store.start(), [1, 2, 3])
        return try [
            store.get("nope"), store.api.get(store.blob(absent)), store.api.get(store.blob("sha256:abc")),
            store.api.get("/v2/\(store.name)/nothing/tags/list"), store.api.delete(store.manifest(absent)),
            store.api.put(image.manifest, "text/plain", as: "x", in: store.name),
            store.api.put(image.manifest, image.type, as: absent, in: store.name),
            store.api.put(image.manifest, image.type, as: "x", in: "\(store.name)/other"),
            store.api.patch(upload.location, [4], range: "7-7"), store.api.finish(upload.location, absent),
            store.api.get("/v2/\(store.name)/blobs/uploads/nothing"), store.fixed.delete(store.manifest(image.digest)),
            store.api.get("/v2/UPPER/tags/list"), store.api.request("PUT", "/v2/\(store.name)/tags/list"),
            store.api.delete(store.blob(absent)),
        ].filter { $0.status >= 400 }
    }

    private static let codes: Set<String> = [
        "BLOB_UNKNOWN", "BLOB_UPLOAD_INVALID", "BLOB_UPLOAD_UNKNOWN", "DIGEST_INVALID", "MANIFEST_BLOB_UNKNOWN",
        "MANIFEST_INVALID", "MANIFEST_UNKNOWN", "NAME_INVALID", "NAME_UNKNOWN", "SIZE_INVALID", "UNAUTHORIZED",
        "DENIED", "UNSUPPORTED", "TOOMANYREQUESTS",
    ]

    static let general: [ConformanceRow] = [
        ConformanceRow("general-01", "Determining support", .must, "answer 200 at the root of the API") {
            store throws in
            #expect(try store.api.get("/v2/").status == 200)
        },
        ConformanceRow("general-02", "Conformance", .must, "have every endpoint of the categories it claims") {
            store throws in
            let image = try store.push()
            for (method, target) in [
                ("GET", store.manifest("1")), ("HEAD", store.manifest("1")), ("GET", store.blob(image.layerDigest)),
                ("HEAD", store.blob(image.layerDigest)), ("POST", "/v2/\(store.name)/blobs/uploads/"),
                ("GET", try store.start()), ("DELETE", try store.start()), ("GET", "/v2/\(store.name)/tags/list"),
                ("DELETE", store.blob(image.layerDigest)), ("DELETE", store.manifest(image.digest)),
            ] {
                let answer = try store.api.request(method, target, ConformanceStore.acceptAll)
                #expect((200..<300).contains(answer.status), "\(method) \(target): \(answer.status)")
            }
        },
        ConformanceRow("general-03", "API", .should, "follow HTTP's own rules: HEAD says what GET would") {
            store throws in
            let image = try store.push()
            for target in [store.manifest("1"), store.blob(image.layerDigest)] {
                let (get, head) = try (
                    store.api.get(target, ConformanceStore.acceptAll),
                    store.api.head(target, ConformanceStore.acceptAll)
                )
                for name in ["content-type", "content-length", "etag", "docker-content-digest"] {
                    #expect(get[name] != nil && get[name] == head[name], "\(name) of \(target)")
                }
                #expect(head.body.isEmpty)
            }
        },
        ConformanceRow("general-04", "API", .should, "follow HTTP's own rules: 405 says what is allowed") {
            store throws in
            for target in ["/v2/\(store.name)/tags/list", store.blob(ConformanceStore.absent)] {
                let answer = try store.api.request("PUT", target)
                #expect(answer.status == 405 && answer["allow"]?.contains("GET") == true)
            }
        },
        ConformanceRow("general-05", "Error codes", .must, "wrap errors in JSON as `errors`, each with a code") {
            store throws in
            for answer in try refusals(store) where answer["content-type"]?.hasPrefix("application/json") == true {
                #expect(!answer.errors.isEmpty && answer.codes.count == answer.errors.count, "\(answer.text)")
                #expect(Set(answer.object.keys) == ["errors"])
                #expect(answer.errors.allSatisfy { Set($0.keys).isSubset(of: ["code", "message", "detail"]) })
            }
        },
        ConformanceRow("general-06", "Error codes", .must, "write codes in capitals and underscores") { store throws in
            for code in try refusals(store).flatMap(\.codes) {
                #expect(code.wholeMatch(of: /[A-Z_]+/) != nil, "\(code)")
            }
        },
        ConformanceRow("general-07", "Error codes", .must, "use no codes but the listed ones") { store throws in
            for answer in try refusals(store) {
                #expect(Set(answer.codes).isSubset(of: codes), "\(answer.status) \(answer.text)")
            }
        },
        ConformanceRow("general-08", "Error codes", .should, "say in words what went wrong") { store throws in
            for error in try refusals(store).flatMap(\.errors) where error["message"] != nil {
                #expect((error["message"] as? String)?.contains(" ") == true, "\(error)")
            }
        },
        ConformanceRow("general-09", "Error codes", .must, "answer bad requests with a status below 500") {
            store throws in
            // Those that failed on the server's side are in the list, too.
            for answer in try refusals(store) { #expect(answer.status < 500, "\(answer.status) \(answer.text)") }
        },
        ConformanceRow("general-10", "Error codes", .should, "say when to try again after too many requests") {
            store throws in
            for _ in 0..<40 {
                let answer = try store.api.get("/v2/")
                #expect(answer.status == 200 || (answer.status == 429 && answer["retry-after"] != nil))
            }
        },
        ConformanceRow("general-11", "Warnings", .must, "warn in the one form that is allowed, and not at length") {
            store throws in
            try store.push()
            for answer in try refusals(store) + [store.get("1"), store.api.get("/v2/\(store.name)/tags/list")] {
                let warnings = answer.values("warning")
                #expect(warnings.allSatisfy { $0.wholeMatch(of: /299 - "(?:[^"\\]|\\.)*"/) != nil })
                #expect(warnings.reduce(0) { $0 + $1.utf8.count } <= 4096)
            }
        },
        ConformanceRow(
            "general-12", "Registry proxying", .should, "name the namespace where it heeds `ns`, or heed it not"
        ) { store throws in
            let image = try store.push()
            let answer = try store.api.get(store.manifest("1") + "?ns=images.example", ConformanceStore.acceptAll)
            #expect(answer.body == image.manifest)
            #expect(answer["oci-namespace"] == nil || answer["oci-namespace"] == "images.example")
        },
    ]
}

import Foundation
import Testing

/// Rules for deleting.
extension ConformanceRow {
    static let management: [ConformanceRow] = [
        ConformanceRow("delete-01", "Deleting tags", .must, "delete a tag with 202", original: "wants a digest") {
            store throws in
            try store.push()
            #expect(try store.api.delete(store.manifest("1")).status == 202)
        },
        ConformanceRow(
            "delete-02", "Deleting tags", .must, "answer 404 for a deleted tag, and keep its manifest and other tags",
            original: "wants a digest"
        ) { store throws in
            let image = try store.push()
            try store.put(image.manifest, image.type, as: "2")
            #expect(try store.api.delete(store.manifest("1")).status == 202)
            #expect(try store.get("1").status == 404)
            for name in ["2", image.digest] { #expect(try store.get(name).body == image.manifest) }
            #expect(try store.api.get("/v2/\(store.name)/tags/list").strings("tags") == ["2"])
        },
        ConformanceRow("delete-03", "Deleting tags", .must, "answer 400 or 405 where deleting tags is off") {
            store throws in
            try store.push()
            #expect([400, 405].contains(try store.fixed.delete(store.manifest("1")).status))
            #expect(try store.get("1").status == 200)
        },
        ConformanceRow(
            "delete-04", "Deleting tags", .should, "answer 404 for a tag that is not there", original: "wants a digest"
        ) { store throws in
            try store.push()
            #expect(try store.api.delete(store.manifest("nope")).status == 404)
        },
        ConformanceRow("delete-05", "Deleting manifests", .must, "delete a manifest with 202") { store throws in
            let image = try store.push()
            #expect(try store.api.delete(store.manifest(image.digest)).status == 202)
        },
        ConformanceRow("delete-06", "Deleting manifests", .must, "answer 404 for a deleted manifest and all its tags") {
            store throws in
            let (image, other) = (try store.push(), try store.push("other", as: "other"))
            try store.put(image.manifest, image.type, as: "2")
            #expect(try store.api.delete(store.manifest(image.digest)).status == 202)
            for name in ["1", "2", image.digest] { #expect(try store.get(name).status == 404) }
            #expect(try store.get("other").body == other.manifest)
            #expect(try store.api.delete(store.manifest(image.digest)).status == 404)
        },
        ConformanceRow("delete-07", "Deleting manifests", .must, "answer 404 where there is no such repository") {
            store throws in
            #expect(try store.api.delete(store.manifest(ConformanceStore.absent)).status == 404)
        },
        ConformanceRow("delete-08", "Deleting manifests", .must, "answer 400 or 405 where deleting manifests is off") {
            store throws in
            let image = try store.push()
            #expect([400, 405].contains(try store.fixed.delete(store.manifest(image.digest)).status))
            #expect(try store.get("1").status == 200)
        },
        ConformanceRow("delete-09", "Deleting manifests", .must, "take a deleted manifest again") { store throws in
            let image = try store.push()
            #expect(try store.api.delete(store.manifest(image.digest)).status == 202)
            try store.put(image.manifest, image.type, as: "1")
            #expect(try store.get("1").body == image.manifest)
        },
        ConformanceRow("delete-10", "Deleting blobs", .must, "delete a blob with 202") { store throws in
            let image = try store.push()
            #expect(try store.api.delete(store.blob(image.layerDigest)).status == 202)
            #expect(try store.api.get(store.blob(image.layerDigest)).status == 404)
        },
        ConformanceRow("delete-11", "Deleting blobs", .must, "answer 404 for a blob that is not there") {
            store throws in
            try store.push()
            #expect(try store.api.delete(store.blob(ConformanceStore.absent)).status == 404)
            #expect(try store.api.delete("/v2/\(store.name)/none/blobs/\(ConformanceStore.absent)").status == 404)
        },
        ConformanceRow("delete-12", "Deleting blobs", .must, "answer 400 or 405 where deleting blobs is off") {
            store throws in
            let image = try store.push()
            #expect([400, 405].contains(try store.fixed.delete(store.blob(image.layerDigest)).status))
            #expect(try store.api.get(store.blob(image.layerDigest)).body == image.layer)
        },
    ]
}

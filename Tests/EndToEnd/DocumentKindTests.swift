import Foundation
import ImageModel
import Testing

/// A document that is called something else than it is, or is two things at once, is damage everywhere.
struct DocumentKindTests {
    private let scratch: Scratch
    private let layout: CraftedLayout

    init() throws {
        scratch = try Scratch()
        layout = try CraftedLayout(scratch["layout"])
    }

    /// How a layout lies about an image.
    enum Lie: CaseIterable {
        case imageListedAsIndex, imageListedAsList, indexListedAsImage, nestedImageAsIndex, nestedIndexAsImage
        case imageWithManifests, indexWithLayers, ownTypeOfIndex

        func add(to layout: CraftedLayout) throws {
            func called(_ descriptor: Descriptor, _ type: MediaType) -> Descriptor {
                var lie = descriptor
                lie.mediaType = type
                return lie
            }
            func both(_ type: MediaType) throws -> Descriptor {
                let inner = try layout.image([layout.layer("inner")])
                let image = try layout.image([layout.layer("outer")])
                var members =
                    try JSONSerialization.jsonObject(with: Data(contentsOf: layout.file(image.digest)))
                    as? [String: Any]
                members?["manifests"] = [
                    ["mediaType": inner.mediaType.rawValue, "digest": "\(inner.digest)", "size": inner.size]
                ]
                members?["mediaType"] = type.rawValue
                return try layout.put([UInt8](JSONSerialization.data(withJSONObject: members ?? [:])), type)
            }
            let image = try layout.image([layout.layer("a")])
            let index = try layout.index([image.on("amd64")])
            let lie =
                switch self {
                case .imageListedAsIndex: called(image, .ociIndex)
                case .imageListedAsList: called(image, .dockerList)
                case .indexListedAsImage: called(index, .ociManifest)
                case .nestedImageAsIndex: try layout.index([called(image, .ociIndex).on("amd64")])
                case .nestedIndexAsImage: try layout.index([called(index, .dockerManifest).on("amd64")])
                case .imageWithManifests: try both(.ociManifest)
                case .indexWithLayers: try both(.ociIndex)
                case .ownTypeOfIndex: try layout.image("b") { $0.mediaType = .ociIndex }
                }
            try layout.add(lie, "team/app:1")
        }
    }

    @Test(arguments: Lie.allCases)
    func isDamage(_ lie: Lie) throws {
        try lie.add(to: layout)
        try layout.tar(scratch["layout.tar"])
        try scratch.write(
            "rules: [{source: \"oci:\(layout.path)\", destination: \"store:\(scratch["synced"])\"}]", to: "sync.yml")
        for arguments in [
            ["copy", "oci:\(layout.path)", "store:\(scratch["store"])"],
            ["copy", scratch["layout.tar"], "oci:\(scratch["copy"])"],
            ["backup", "oci:\(layout.path)", scratch["backup"]], ["verify", "oci:\(layout.path)"],
            ["serve", "--addr", "127.0.0.1:0", scratch["layout.tar"]],
        ] {
            let result = try Command.dray(arguments)
            #expect(result.status == 3, "\(arguments): \(result.status) \(result.errors)")
        }
        let synced = try Command.dray("sync", scratch["sync.yml"])
        #expect(synced.status == 1 && synced.errors.contains("team/app:1"), "\(synced.errors)")
        for place in ["store", "synced", "backup/snapshots"] { #expect(scratch.files(below: place) == []) }
    }

    /// Pushed to `dray serve`, and found in its store by gc, verify and a copy.
    @Test func isRefusedByTheServer() throws {
        let server = try Server(in: scratch, program: .dray)
        let image = TinyImage("a", type: TinyImage.oci)
        try server.push(image, to: "team/app")
        let claim = try server.put(image.manifest, TinyImage.index, as: "1", in: "team/app")
        #expect(claim.status == 400, "\(claim.text)")
        let lies = [
            String(decoding: TinyImage.index(of: [image]), as: UTF8.self).replacing(
                TinyImage.oci, with: TinyImage.dockerList),
            String(decoding: image.manifest, as: UTF8.self).replacing(
                "\"layers\"", with: "\"manifests\":[],\"layers\""),
        ]
        for (lie, type) in zip(lies, [TinyImage.index, TinyImage.oci]) {
            let answer = try server.put(Array(lie.utf8), type, as: "lie", in: "team/app")
            #expect(answer.status == 400 && answer.text.contains("MANIFEST_INVALID"), "\(answer.status) \(answer.text)")
        }
        // Another registry may have let it in.
        let digest = Digest(of: Array(lies[0].utf8))
        try scratch.write(lies[0], to: "root/docker/registry/v2/\(Server.blobPath("\(digest)"))")
        for link in ["revisions/sha256/\(digest.hex)", "tags/lie/current", "tags/lie/index/sha256/\(digest.hex)"] {
            try scratch.write("\(digest)", to: "root/docker/registry/v2/repositories/team/app/_manifests/\(link)/link")
        }
        for arguments in [
            ["gc", "--dry-run", "store:\(server.root)"], ["verify", "store:\(server.root)"],
            ["copy", "store:\(server.root)", "oci:\(scratch["copy"])"],
            ["copy", "docker://\(server.address)/team/app:lie", "oci:\(scratch["pull"])"],
        ] {
            let result = try Command.dray(arguments)
            #expect(
                result.status == 3 && result.errors.contains("index") || result.text.contains("index"),
                "\(arguments): \(result.status) \(result.errors)")
        }
    }

    /// What is legal is copied whole: nothing, artifacts, and types that nobody knows.
    @Test func whatIsLegalIsCopiedWhole() throws {
        let odd = MediaType("application/vnd.example.thing.v7+json")
        let empty = try layout.put(TinyImage.emptyIndex, .ociIndex)
        let bare = try layout.image([])
        let artifact = try layout.image("artifact") {
            $0.artifactType = "application/vnd.example"
            $0.config.mediaType = odd
        }
        // An index with a blob, and with a manifest under a type that is none of a manifest.
        let blob = try layout.put(Array("not JSON".utf8), MediaType("text/plain"))
        var hidden = try layout.image([layout.layer("hidden")])
        hidden.mediaType = odd
        let mixed = try layout.index([bare.on("amd64"), blob, hidden])
        for (number, image) in [empty, bare, artifact, mixed].enumerated() {
            try layout.add(image, "team/app:\(number)")
        }
        for target in ["store:\(scratch["store"])", "oci:\(scratch["copy"])", "oci-archive:\(scratch["copy.tar"])"] {
            try Command.succeed("copy", "oci:\(layout.path)", target)
            let verified = try Command.succeed("verify", "--output", "json", target)
            #expect(!verified.text.contains("\(hidden.digest)"), "\(verified.text)")
            let back = scratch["back-\(target.prefix { $0 != ":" })"]
            try Command.succeed("copy", target, "oci:\(back)")
            let missing = try Command.shell("diff <(cd \(layout.path)/blobs/sha256; ls) <(cd \(back)/blobs/sha256; ls)")
            #expect(missing.status == 0, "\(target): \(missing.text)")
        }
    }
}

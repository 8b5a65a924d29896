import ImageModel
import Testing

/// A document's own members decide what it is, and claims are compared with that.
struct ManifestKindTests {
    static let digest = "sha256:" + String(repeating: "ab", count: 32)
    static let descriptor = #"{"mediaType":"x/y","digest":"\#(digest)","size":2}"#
    static let config = #""config":\#(descriptor)"#
    static let layers = #""layers":[\#(descriptor)]"#
    static let manifests = #""manifests":[\#(descriptor)]"#
    static let blobs = #""blobs":[\#(descriptor)]"#
    static let fsLayers = #""name":"a","tag":"1","fsLayers":[{"blobSum":"\#(digest)"}]"#

    private static func type(_ type: MediaType) -> String { #""mediaType":"\#(type)""# }

    private static func manifest(_ members: [String], _ claim: MediaType?) throws -> Manifest {
        let text = "{" + ([#""schemaVersion":2"#] + members).joined(separator: ",") + "}"
        return try Manifest(Array(text.utf8), mediaType: claim, name: "it")
    }

    @Test(
        arguments: [
            ([config, layers], nil, .ociManifest), ([config], nil, .ociManifest),
            ([config, #""layers":null"#], nil, .ociManifest),
            ([config, layers], .dockerManifest, .dockerManifest),
            ([config, layers, type(.dockerManifest)], nil, .dockerManifest),
            // Its own type counts more than a claim of the same kind, and one of no manifest claims nothing.
            ([config, layers, type(.dockerManifest)], .ociManifest, .dockerManifest),
            ([config, layers], MediaType("application/octet-stream"), .ociManifest),
            ([config, layers, #""manifests":null"#], nil, .ociManifest),
            ([config, #""layers":[]"#], nil, .ociManifest),
            ([manifests], nil, .ociIndex), ([#""manifests":[]"#], .dockerList, .dockerList),
            ([type(.ociIndex)], nil, .ociIndex), ([#""manifests":null"#, type(.dockerList)], nil, .dockerList),
            ([blobs, type(.ociArtifactManifest)], nil, .ociArtifactManifest),
            ([type(.ociArtifactManifest)], nil, .ociArtifactManifest),
            ([fsLayers], nil, .dockerSchema1), ([fsLayers], .dockerSchema1Signed, .dockerSchema1),
        ] as [([String], MediaType?, MediaType)])
    func isWhatItsMembersAre(_ members: [String], _ claim: MediaType?, _ expected: MediaType) throws {
        #expect(try Self.manifest(members, claim).mediaType == expected)
    }

    @Test(
        arguments: [
            // Two documents in one.
            ([config, layers, manifests], nil), ([layers, manifests], .ociIndex), ([config, manifests], .ociManifest),
            ([config, layers, #""manifests":[]"#], nil), ([config, layers, fsLayers], nil), ([manifests, blobs], nil),
            ([config, layers, blobs], nil), ([manifests, fsLayers], .dockerSchema1),
            // A type that its members contradict.
            ([config, layers, type(.ociIndex)], nil), ([manifests, type(.dockerManifest)], nil),
            ([config, layers, type(.ociArtifactManifest)], nil), ([fsLayers, type(.dockerList)], nil),
            // A claim from outside.
            ([config, layers], .ociIndex), ([config, layers], .dockerList), ([manifests], .ociManifest),
            ([manifests], .dockerManifest), ([fsLayers], .ociManifest), ([config, layers], .dockerSchema1),
            ([type(.ociIndex)], .ociManifest), ([config, layers], .ociArtifactManifest),
            // Nothing at all.
            ([], nil), ([], .ociIndex), ([#""manifests":null"#], nil), ([type(MediaType("application/json"))], nil),
        ] as [([String], MediaType?)])
    func isRefused(_ members: [String], _ claim: MediaType?) {
        #expect(throws: ImageError.self) { try Self.manifest(members, claim) }
    }

    @Test(arguments: [
        (#"[{"config":"c","repoTags":["a:1"],"layers":["l"]}]"#, true),
        (#"[{"CONFIG":"c","repotags":["a:1"],"LAYERS":["l"]}]"#, true),
        (#"[{"Config":"c","config":"d"}]"#, false), (#"[{"Config":"c","Layers":[],"layers":["x"]}]"#, false),
        (#"[{"Config":"c"},{"config":"d"}]"#, true),
    ])
    func lettersOfArchiveLists(_ text: String, _ isRead: Bool) throws {
        struct Item: Decodable {
            var config: String
            enum CodingKeys: String, CodingKey { case config = "Config" }
        }
        let members = MemberNames(["Config", "RepoTags", "Layers"])
        let items = try? Document.decode(
            [Item].self, from: Array(text.utf8), name: "it", members: members, acceptsSpellings: true)
        #expect((items != nil) == isRead)
        // Where other readers get the bytes, none but the right one is.
        #expect(throws: ImageError.self) {
            try Document.decode([Item].self, from: Array(text.utf8), name: "it", members: members)
        }
    }

    @Test(arguments: [
        (#"{"os":"windows","rootfS":{"type":"layers","diff_ids":["\#(digest)"]}}"#, 1),
        (#"{"RootFS":{"Type":"layers","Diff_IDs":["\#(digest)","\#(digest)"]}}"#, 2),
        (#"{"config":{"Labels":{"OS":"a","os":"b"}},"ROOTFS":{"diff_ids":[]}}"#, 0),
        (#"{"rootfs":{"diff_ids":[]},"rootfS":{"diff_ids":[]}}"#, nil), (#"{"os":"a","OS":"b"}"#, nil),
        (#"{"config":{"a":1,"a":2}}"#, nil),
    ])
    func lettersOfConfigs(_ text: String, _ diffIDs: Int?) {
        #expect((try? ImageConfig(Array(text.utf8), name: "it"))?.diffIDs.count == diffIDs)
    }
}

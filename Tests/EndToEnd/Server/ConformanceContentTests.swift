import Foundation
import ImageModel
import Testing

/// The kinds of content that the OCI conformance suite sends, and some more: each goes in, is listed, comes back as
/// it went in, and is deleted.
@Suite(.servedStore) struct ConformanceContentTests {
    @Test(arguments: ConformanceContent.all) func goesInAndComesBack(_ content: ConformanceContent) throws {
        var store = try #require(ConformanceStore.current)
        store.name = "content/\(content.name)"
        for blob in content.blobs {
            #expect(try store.api.finish(store.start(), blob.digest, blob.bytes).status == 201)
            #expect(try store.api.head(store.blob(blob.digest))["content-length"] == "\(blob.bytes.count)")
            #expect(try store.api.get(store.blob(blob.digest)).body == blob.bytes)
        }
        for (number, manifest) in content.manifests.enumerated() {
            let names = [manifest.digest] + (manifest.hasTag ? ["tag-\(number)"] : [])
            for name in names {
                let answer = try store.api.put(manifest.bytes, manifest.type, as: name, in: store.name)
                #expect(answer.status == 201, "\(answer.text)")
                #expect(answer["docker-content-digest"] == manifest.digest)
                #expect(answer["oci-subject"] == manifest.subject)
                #expect(try store.api.get(answer.location).body == manifest.bytes)
            }
            for name in names {
                let head = try store.api.head(store.manifest(name))
                #expect(head.status == 200 && head["docker-content-digest"] == manifest.digest)
                #expect(head["content-length"] == "\(manifest.bytes.count)")
                let answer = try store.get(name)
                #expect(answer.body == manifest.bytes && answer["content-type"] == manifest.type)
            }
            if let subject = manifest.subject {
                let list = try store.api.get("/v2/\(store.name)/referrers/\(subject)")
                #expect(list.manifests.contains { $0["digest"] as? String == manifest.digest }, "\(list.text)")
            }
        }
        let tagged = content.manifests.indices.filter { content.manifests[$0].hasTag }.map { "tag-\($0)" }
        let tags = try store.api.get("/v2/\(store.name)/tags/list")
        #expect(tags.strings("tags") == tagged.sorted(), "\(tags.text)")
        for manifest in content.manifests.reversed() {
            #expect(try store.api.delete(store.manifest(manifest.digest)).status == 202)
            #expect(try store.get(manifest.digest).status == 404)
        }
        #expect(try store.api.get("/v2/\(store.name)/tags/list").strings("tags") == [])
        for blob in content.blobs {
            #expect(try store.api.delete(store.blob(blob.digest)).status == 202)
            #expect(try store.api.head(store.blob(blob.digest)).status == 404)
        }
    }
}

/// Blobs, and the manifests that need them: children first.
struct ConformanceContent: Sendable, CustomTestStringConvertible {
    struct Blob: Sendable {
        var bytes: [UInt8]
        var algorithm = Digest.Algorithm.sha256
        var digest: String { Digest(of: bytes, algorithm: algorithm).description }

        func descriptor(_ type: String, _ more: String = "") -> String {
            #"{"mediaType":"\#(type)","size":\#(bytes.count),"digest":"\#(digest)"\#(more)}"#
        }
    }

    struct Document: Sendable {
        var type: String
        var bytes: [UInt8]
        var algorithm = Digest.Algorithm.sha256
        var subject: String?
        var digest: String { Digest(of: bytes, algorithm: algorithm).description }
        /// A tag means a manifest by its SHA-256.
        var hasTag: Bool { algorithm == .sha256 }

        func descriptor(_ more: String = "") -> String {
            #"{"mediaType":"\#(type)","size":\#(bytes.count),"digest":"\#(digest)"\#(more)}"#
        }
    }

    var name: String
    var blobs: [Blob]
    var manifests: [Document]

    var testDescription: String { name }

    private static let layerType = "application/vnd.oci.image.layer.v1.tar"
    private static let foreignType = "application/vnd.oci.image.layer.nondistributable.v1.tar"
    private static let configType = "application/vnd.oci.image.config.v1+json"
    private static let emptyType = "application/vnd.oci.empty.v1+json"
    private static let empty = Blob(bytes: Array("{}".utf8))

    private static func config(_ seed: String) -> Blob {
        Blob(
            bytes: Array(
                #"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]},"author":"\#(seed)"}"#
                    .utf8))
    }

    private static func manifest(
        config: String, layers: [String], fields: String = "", subject: Document? = nil,
        algorithm: Digest.Algorithm = .sha256
    ) -> Document {
        let subjectField = subject.map { ",\"subject\":\($0.descriptor())" } ?? ""
        let text =
            #"{"schemaVersion":2,"mediaType":"\#(TinyImage.oci)","config":\#(config),"#
            + #""layers":[\#(layers.joined(separator: ","))]\#(subjectField)\#(fields)}"#
        return Document(
            type: TinyImage.oci, bytes: Array(text.utf8), algorithm: algorithm, subject: subject?.digest)
    }

    private static func index(
        _ children: [Document], fields: String = "", subject: Document? = nil, type: String = TinyImage.index
    ) -> Document {
        let subjectField = subject.map { ",\"subject\":\($0.descriptor())" } ?? ""
        let list = children.map { $0.descriptor() }.joined(separator: ",")
        let text = #"{"schemaVersion":2,"mediaType":"\#(type)","manifests":[\#(list)]\#(subjectField)\#(fields)}"#
        return Document(type: type, bytes: Array(text.utf8), subject: subject?.digest)
    }

    /// An image of one layer.
    private static func image(
        _ name: String, _ type: String = layerType, layer more: String = "", fields: String = "",
        algorithm: Digest.Algorithm = .sha256, layerBytes: [UInt8]? = nil
    ) -> ConformanceContent {
        let config = config(name)
        let layer = Blob(bytes: layerBytes ?? Array("\(name) layer".utf8), algorithm: algorithm)
        return ConformanceContent(
            name: name, blobs: [config, layer],
            manifests: [
                manifest(
                    config: config.descriptor(configType), layers: [layer.descriptor(type, more)], fields: fields,
                    algorithm: algorithm)
            ])
    }

    /// An image whose layer is nowhere here.
    private static func foreign(_ name: String, _ suffix: String, urls: String) -> ConformanceContent {
        var content = image(name, foreignType + suffix, layer: urls)
        content.blobs.removeLast()
        return content
    }

    private static let some: ConformanceContent = image("some")

    private static var foreignLayers: [ConformanceContent] {
        let urls = #","urls":["https://store.example.org/layer.tar"]"#
        let config = config("docker foreign")
        let type = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
        let docker = [("docker-foreign", ""), ("docker-foreign-with-urls", urls)].map { name, urls in
            let layer = Blob(bytes: Array("\(name) layer".utf8)).descriptor(type, urls)
            let config = config.descriptor("application/vnd.docker.container.image.v1+json")
            let text =
                #"{"schemaVersion":2,"mediaType":"\#(TinyImage.docker)","config":\#(config),"layers":[\#(layer)]}"#
            return ConformanceContent(
                name: name, blobs: [Self.config("docker foreign")],
                manifests: [Document(type: TinyImage.docker, bytes: Array(text.utf8))])
        }
        return ["", "+gzip", "+zstd"].flatMap { suffix in
            let name = suffix.isEmpty ? "foreign" : "foreign-\(suffix.dropFirst())"
            return [foreign(name, suffix, urls: ""), foreign("\(name)-with-urls", suffix, urls: urls)]
        } + docker
    }

    private static var indexes: [ConformanceContent] {
        let children = some.manifests
        let missing = manifest(
            config: empty.descriptor(emptyType), layers: [], fields: #","annotations":{"a":"missing"}"#)
        let plain = index(children)
        let artifact = manifest(
            config: empty.descriptor(emptyType), layers: [empty.descriptor(emptyType)],
            fields: #","artifactType":"application/vnd.example.a""#)
        let bare = manifest(
            config: empty.descriptor(emptyType), layers: [], fields: #","artifactType":"application/vnd.example.b""#)
        let signature = manifest(
            config: empty.descriptor(emptyType), layers: [empty.descriptor(emptyType)],
            fields: #","artifactType":"application/vnd.example.s""#, subject: children[0])
        let early = manifest(
            config: empty.descriptor(emptyType), layers: [empty.descriptor(emptyType)],
            fields: #","artifactType":"application/vnd.example.s""#, subject: missing)
        return [
            ConformanceContent(name: "index", blobs: some.blobs, manifests: children + [plain]),
            ConformanceContent(
                name: "nested-index", blobs: some.blobs,
                manifests: children + [plain, index([plain], fields: #","annotations":{"a":"nested"}"#)]),
            ConformanceContent(name: "empty-index", blobs: [], manifests: [index([])]),
            ConformanceContent(
                name: "docker-list", blobs: some.blobs,
                manifests: children + [index(children, type: TinyImage.dockerList)]),
            ConformanceContent(name: "artifact", blobs: [empty], manifests: [artifact]),
            ConformanceContent(name: "artifact-without-layers", blobs: [empty], manifests: [bare]),
            ConformanceContent(
                name: "artifact-index", blobs: [empty],
                manifests: [
                    artifact, bare, index([artifact, bare], fields: #","artifactType":"application/vnd.example.i""#),
                ]),
            ConformanceContent(
                name: "subject", blobs: some.blobs + [empty],
                manifests: children + [
                    signature, index([], fields: #","artifactType":"application/vnd.example.x""#, subject: children[0]),
                ]),
            ConformanceContent(name: "missing-subject", blobs: [empty], manifests: [early]),
        ]
    }

    static let all: [ConformanceContent] =
        foreignLayers + indexes + [
            image("uncompressed"), image("gzip", layerType + "+gzip"), image("zstd", layerType + "+zstd"),
            image("data-field", layer: #","data":"ZGF0YS1maWVsZCBsYXllcg==""#),
            image("custom-fields", layer: #","x-custom":{"a":[1]}"#, fields: #","x-more":"ü","annotations":{"b":""}"#),
            image("empty-layer", layerBytes: []), image("sha512", algorithm: .sha512),
            image("unknown-layer", "application/vnd.example.unknown"),
            image("large-manifest", fields: #","annotations":{"big":"\#(String(repeating: "x", count: 4_100_000))"}"#),
            ConformanceContent(
                name: "no-layers", blobs: [config("no layers")],
                manifests: [manifest(config: config("no layers").descriptor(configType), layers: [])]),
        ]
}

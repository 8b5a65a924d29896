import ImageModel
import RegistryServer
import Testing

/// Layers whose bytes stay elsewhere, in manifests that are pushed.
struct ForeignLayerTests {
    private static let foreign = Digest(of: Array("foreign".utf8))
    private static let config = Digest(of: Array("config".utf8))
    private static let schema2 = MediaType.dockerForeignLayer.rawValue
    private static let oci = MediaType.ociForeignLayer.rawValue

    /// The blobs that have to be there; nil where the manifest is refused.
    private func required(_ type: String, _ urls: [String]?, _ validation: String = "") throws -> Set<Digest>? {
        let isDocker = type.contains("docker")
        let manifestType: MediaType = isDocker ? .dockerManifest : .ociManifest
        let urls = urls.map { ",\"urls\":[\($0.map { "\"\($0)\"" }.joined(separator: ","))]" } ?? ""
        let text = """
            {"schemaVersion":2,"mediaType":"\(manifestType)","config":{"mediaType":"\
            \(isDocker ? MediaType.dockerConfig : .ociConfig)","size":6,"digest":"\(Self.config)"},\
            "layers":[{"mediaType":"\(type)","size":7,"digest":"\(Self.foreign)"\(urls)}]}
            """
        let settings = validation.isEmpty ? "" : "validation: {manifests: {urls: {\(validation)}}}\n"
        let configuration = try readConfiguration(goodConfiguration + settings).configuration
        let rules = ManifestValidation(configuration.validation)
        let manifest = try rules.manifest(Array(text.utf8), contentType: manifestType.rawValue, digest: nil)
        return try? rules.references(of: manifest)
    }

    @Test(arguments: [schema2, oci, oci + "+gzip", oci + "+zstd"], [nil, [], ["https://a.example/x"], ["ftp://a/"]])
    func theirBytesMayStayElsewhere(_ type: String, _ urls: [String]?) throws {
        #expect(try required(type, urls) == [Self.config])
    }

    @Test(arguments: [MediaType.dockerLayerGzip, .ociLayer, .ociLayerZstd])
    func bytesOfOrdinaryLayersAreRequired(_ type: MediaType) throws {
        #expect(try required(type.rawValue, nil) == [Self.config, Self.foreign])
        #expect(try required(type.rawValue, ["https://a.example/x"]) == [Self.config, Self.foreign])
    }

    static let rules: [(type: String, urls: [String], validation: String, isTaken: Bool)] = [
        (schema2, ["https://a.example/x"], "allow: ['^https://a\\.example/']", true),
        (oci, ["https://a.example/x"], "allow: ['^https://a\\.example/']", true),
        (schema2, ["https://b.example/x"], "allow: ['^https://a\\.example/']", false),
        (oci, ["https://b.example/x"], "allow: ['^https://a\\.example/']", false),
        (oci, ["https://a.example/x", "https://b.example/x"], "allow: ['^https://a\\.example/']", false),
        (schema2, ["https://b.example/x"], "deny: ['a\\.example']", true),
        (schema2, ["https://a.example/x"], "deny: ['a\\.example']", false),
        (oci + "+gzip", ["https://a.example/x"], "allow: ['example'], deny: ['^https://a']", false),
        (oci, ["ftp://a.example/x"], "deny: ['b']", false),
        (oci, ["https://a.example/x#part"], "deny: ['b']", false),
        // Ordinary layers of OCI images may have URLs, too.
        (MediaType.ociLayer.rawValue, ["https://a.example/x"], "deny: ['a\\.example']", false),
        // The original refuses it in schema2 only.
        (schema2, [], "allow: ['.']", false),
    ]

    @Test(arguments: rules.indices) func theConfiguredRulesHold(_ index: Int) throws {
        let (type, urls, validation, isTaken) = Self.rules[index]
        #expect(try (required(type, urls, validation) != nil) == isTaken)
    }

    @Test func withRulesAnOCILayerWithoutURLsHasToBeThere() throws {
        #expect(try required(Self.oci, [], "allow: ['.']") == [Self.config, Self.foreign])
        #expect(try required(Self.oci, ["https://a/"], "allow: ['.']") == [Self.config])
    }
}

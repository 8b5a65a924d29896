import ImageModel
import ImageTransfer
import Testing

struct CompressionChoiceTests {
    @Test(
        arguments: [
            (.keep, .dockerLayer, nil), (.gzipRaw, .dockerLayer, .gzip), (.gzipRaw, .ociLayerZstd, nil),
            (.gzip, .ociLayerZstd, .gzip), (.gzip, .ociLayerGzip, nil),
            (.none, .dockerLayerGzip, LayerCompression.none),
            (.zstd, .ociLayer, .zstd), (.gzip, .ociConfig, nil), (.gzip, .dockerForeignLayer, nil),
        ] as [(CompressionChoice, MediaType, LayerCompression?)])
    func changes(_ choice: CompressionChoice, _ layer: MediaType, _ expected: LayerCompression?) {
        #expect(choice.change(of: layer) == expected)
    }

    @Test func familiesHaveEachOthersNames() {
        for type in [MediaType.ociIndex, .ociManifest, .ociConfig, .ociLayer, .ociLayerGzip] {
            #expect(type.renamed(for: .docker).renamed(for: .oci) == type)
            #expect(type.renamed(for: .oci) == type)
        }
        #expect(MediaType.layer(.zstd, in: .docker) == nil)
    }
}

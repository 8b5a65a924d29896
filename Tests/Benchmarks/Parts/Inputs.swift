import ByteStreams
import ImageModel
import ImageTransfer
import RegistryStore
import TarArchive

/// What the benchmarks work on: the same bytes each time.
enum Inputs {
    struct Lost: Error {
        var name: ImageName
    }

    /// Text that compresses about as well as programs do.
    static func words(_ size: Int) -> [UInt8] {
        var state: UInt64 = 0x9e37_79b9_7f4a_7c15
        func random(_ limit: UInt64) -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state % limit
        }
        let vocabulary = (0..<4096).map { _ in (0..<2 + random(8)).map { _ in UInt8(truncatingIfNeeded: random(256)) } }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size + 16)
        while bytes.count < size { bytes += vocabulary[Int(min(random(4096), random(4096)))] }
        return Array(bytes[..<size])
    }

    static func tar(members: Int) -> [UInt8] {
        let contents = [UInt8](repeating: 7, count: 1024)
        let bodies = (0..<members).flatMap {
            TarFormat.header(path: "usr/share/doc/package-\($0)/copyright", size: 1024, isDirectory: false) + contents
        }
        return bodies + [UInt8](repeating: 0, count: 1024)
    }

    private static let config = Array(
        #"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"#.utf8)

    static func image(layers: Int) throws -> Manifest {
        func descriptor(_ type: MediaType, of bytes: [UInt8]) -> Descriptor {
            Descriptor(mediaType: type, digest: Digest(of: bytes), size: Int64(bytes.count))
        }
        let parts = (0..<layers).map { descriptor(.ociLayerGzip, of: Array("layer \($0)".utf8)) }
        return try Manifest(
            making: ImageManifest(mediaType: .ociManifest, config: descriptor(.ociConfig, of: config), layers: parts))
    }

    static func name(_ number: Int) -> ImageName { ImageName(repository: "team/app\(number)", tag: "1.\(number)") }

    /// Puts images without layers, each in a repository of its own.
    static func fill(_ store: Store, images: Int) async throws {
        let manifest = try image(layers: 0)
        let digest = Digest(of: config)
        for name in (0..<images).map(name) {
            let writer = try store.writer(
                for: BlobTarget(digest: digest, size: Int64(config.count), repository: name.repository))
            try writer.write(config)
            try writer.flush()
            try writer.commit(digest)
            try await store.put(manifest, in: name.repository)
            try await store.tag(manifest.descriptor, as: name)
        }
        try await store.finish()
    }
}

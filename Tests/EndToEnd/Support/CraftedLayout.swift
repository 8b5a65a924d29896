import Foundation
import ImageModel

/// An OCI layout made entry by entry, right or wrong as a test wants it.
final class CraftedLayout {
    let path: String
    private var entries: [Descriptor] = []

    init(_ path: String) throws {
        self.path = path
        try FileManager.default.createDirectory(atPath: "\(path)/blobs/sha256", withIntermediateDirectories: true)
        try Data(#"{"imageLayoutVersion":"1.0.0"}"#.utf8).write(to: URL(filePath: "\(path)/oci-layout"))
    }

    func file(_ digest: Digest) -> URL { URL(filePath: "\(path)/blobs/\(digest.algorithm.rawValue)/\(digest.hex)") }

    func put(
        _ bytes: [UInt8], _ type: MediaType, algorithm: Digest.Algorithm = .sha256
    ) throws -> Descriptor {
        let digest = Digest(of: bytes, algorithm: algorithm)
        let url = file(digest)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
        return Descriptor(mediaType: type, digest: digest, size: Int64(bytes.count))
    }

    /// A gzipped layer with one file.
    func layer(_ text: String) throws -> (layer: Descriptor, diffID: Digest) {
        let tar = CraftedArchive.layer(text)
        let file = "\(path)/\(UUID().uuidString)"
        try Data(tar).write(to: URL(filePath: file))
        defer { try? FileManager.default.removeItem(atPath: file) }
        let packed = try Command.run("gzip", ["-nc", file]).output
        return (try put([UInt8](packed), .ociLayerGzip), Digest(of: tar))
    }

    func image(
        _ layers: [(layer: Descriptor, diffID: Digest)], architecture: String = "amd64", diffIDs: [Digest]? = nil,
        algorithm: Digest.Algorithm = .sha256, subject: Descriptor? = nil
    ) throws -> Descriptor {
        let ids = (diffIDs ?? layers.map(\.diffID)).map { "\"\($0)\"" }.joined(separator: ",")
        let config =
            #"{"architecture":"\#(architecture)","os":"linux","rootfs":{"type":"layers","diff_ids":[\#(ids)]}}"#
        var image = ImageManifest(
            mediaType: .ociManifest, config: try put(Array(config.utf8), .ociConfig, algorithm: algorithm),
            layers: layers.map(\.layer))
        if let subject {
            image.subject = subject
            image.config = try put(Array("{}".utf8), .ociEmpty)
            image.artifactType = "test/signature"
        }
        return try put(Document.encode(image), .ociManifest, algorithm: algorithm)
    }

    func index(_ children: [Descriptor]) throws -> Descriptor {
        try put(Document.encode(ImageIndex(manifests: children)), .ociIndex)
    }

    /// - Parameters:
    ///   - full: for `io.containerd.image.name`.
    ///   - annotations: further ones.
    func add(
        _ descriptor: Descriptor, _ name: String? = nil, full: String? = nil, annotations: [String: String] = [:]
    ) throws {
        var entry = descriptor
        var all = annotations
        all["org.opencontainers.image.ref.name"] = name
        all["io.containerd.image.name"] = full
        if !all.isEmpty { entry.annotations = all }
        try add(entry: entry)
    }

    /// Lists a descriptor as it is.
    func add(entry: Descriptor) throws {
        entries.append(entry)
        try Data(Document.encode(ImageIndex(manifests: entries))).write(to: URL(filePath: "\(path)/index.json"))
    }

    /// Takes a blob or manifest away.
    func remove(_ descriptor: Descriptor) throws { try FileManager.default.removeItem(at: file(descriptor.digest)) }

    /// An image with whatever a test wants changed in its manifest.
    func image(_ text: String, _ change: (inout ImageManifest) -> Void) throws -> Descriptor {
        let plain = try image([layer(text)])
        var manifest = try JSONDecoder().decode(ImageManifest.self, from: Data(contentsOf: file(plain.digest)))
        change(&manifest)
        try remove(plain)
        return try put(Document.encode(manifest), manifest.mediaType ?? .ociManifest)
    }

    /// What BuildKit makes of an attestation: an image that runs nowhere, and says whose it is.
    func attestation(of image: Descriptor) throws -> Descriptor {
        let statement = try put(
            Array(#"{"subject":"\#(image.digest)"}"#.utf8), MediaType("application/vnd.in-toto+json"))
        let ids = #""rootfs":{"type":"layers","diff_ids":["\#(statement.digest)"]}"#
        let config = try put(Array(#"{"architecture":"unknown","os":"unknown",\#(ids)}"#.utf8), .ociConfig)
        let manifest = ImageManifest(mediaType: .ociManifest, config: config, layers: [statement])
        var attestation = try put(Document.encode(manifest), .ociManifest)
        attestation.platform = Platform(os: "unknown", architecture: "unknown")
        attestation.annotations = [
            "vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": "\(image.digest)",
        ]
        return attestation
    }

    /// The layout in a tar.
    func tar(_ path: String) throws {
        let made = try Command.run("tar", ["-C", self.path, "-cf", path, "."])
        guard made.status == 0 else { throw CocoaError(.fileWriteUnknown) }
    }

    /// Changes a byte of a blob.
    func damage(_ descriptor: Descriptor) throws {
        var bytes = try Data(contentsOf: file(descriptor.digest))
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: file(descriptor.digest))
    }
}

extension Descriptor {
    func on(_ architecture: String) -> Descriptor {
        var copy = self
        copy.platform = Platform(os: "linux", architecture: architecture)
        return copy
    }
}

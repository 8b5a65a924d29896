import ByteStreams
package import ImageModel

/// One blob to be moved, and what it becomes.
package struct BlobJob: Hashable, Sendable {
    package let blob: Descriptor
    /// nil: byte for byte.
    let compression: LayerCompression?
    /// Of a layer: what its tar has to hash to.
    let diffID: Digest?

    package init(blob: Descriptor, compression: LayerCompression? = nil, diffID: Digest? = nil) {
        self.blob = blob
        self.compression = compression
        self.diffID = diffID
    }

    /// Two jobs that are the same work.
    struct Key: Hashable, Sendable {
        var digest: Digest
        var compression: LayerCompression?
        /// What was verified on the way.
        var diffID: Digest?
    }

    var key: Key {
        Key(digest: blob.digest, compression: compression, diffID: compression == nil ? nil : diffID)
    }
}

extension BlobJob {
    /// What a layer is called once it is packed so.
    func resultType(_ compression: LayerCompression) -> MediaType {
        .layer(compression, in: blob.mediaType.manifestFamilyOfLayer) ?? .layer(compression, in: .oci)
            ?? blob.mediaType
    }

    /// How well `guess` can be known; nil if exactly.
    var estimate: CopyReport.Image.Estimate? {
        guard let compression else { return nil }
        return blob.mediaType.layerCompression == LayerCompression.none && compression != .none ? .atMost : .about
    }

    /// What the blob will be, before it is: no smaller, if it is going to be compressed.
    var guess: Descriptor {
        guard let compression else { return blob.plain }
        var guess = blob.plain
        guess.mediaType = resultType(compression)
        // What cannot be compressed grows a little.
        if estimate == .atMost { guess.size = blob.size.addingSaturated(blob.size / 256 + 1024) }
        return guess
    }
}

extension LayerCompression {
    /// The stream format that has to be undone; nil for a plain tar.
    var streamFormat: CompressionFormat? { self == .none ? nil : CompressionFormat(rawValue: rawValue) }
}

extension MediaType {
    /// The name of a layer once it is packed otherwise: of the same family, if that has one.
    static func packed(_ layer: MediaType, as compression: LayerCompression) -> MediaType {
        .layer(compression, in: layer.manifestFamilyOfLayer) ?? .layer(compression, in: .oci) ?? layer
    }

    /// The family whose name for a layer this is.
    var manifestFamilyOfLayer: ManifestFormat { self == .dockerLayer || self == .dockerLayerGzip ? .docker : .oci }
}

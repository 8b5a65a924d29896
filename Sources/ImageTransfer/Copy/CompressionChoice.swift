public import ImageModel

/// What becomes of layers on their way.
public enum CompressionChoice: String, Sendable, CaseIterable {
    /// Byte for byte.
    case keep
    /// Raw tars are gzipped, what is compressed stays as it is: the default from a docker-archive.
    case gzipRaw
    case gzip
    case zstd
    case none

    /// The compression that a layer gets; nil if it stays as it is.
    public func change(of layer: MediaType) -> LayerCompression? {
        guard let now = layer.layerCompression else { return nil }
        let wanted: LayerCompression
        switch self {
        case .keep: return nil
        case .gzipRaw: wanted = now == .none ? .gzip : now
        case .gzip: wanted = .gzip
        case .zstd: wanted = .zstd
        case .none: wanted = .none
        }
        return wanted == now ? nil : wanted
    }
}

public import ImageModel

/// What becomes of layers on their way.
public enum CompressionChoice: String, Sendable, CaseIterable {
    /// Reads `keep`, `none`, `gzip[:1-9]` or `zstd[:1-19]`.
    ///
    /// - Returns: nil for anything else.
    public static func parse(_ text: String) -> (choice: CompressionChoice, level: Int?)? {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let choice = CompressionChoice(rawValue: String(parts[0])), choice != .gzipRaw else { return nil }
        guard parts.count == 2 else { return (choice, nil) }
        let levels = [CompressionChoice.gzip: 1...9, .zstd: 1...19]
        guard let level = Int(parts[1]), levels[choice]?.contains(level) == true else { return nil }
        return (choice, level)
    }

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

package import ByteStreams
public import ImageModel

/// What `copy` may be told.
public struct CopyOptions: Hashable, Sendable {
    public enum OnExisting: String, Sendable, CaseIterable {
        case overwrite
        case skip
        case error
    }

    public var platforms = PlatformChoice.all
    /// nil: manifests keep their family.
    public var format: ManifestFormat?
    /// nil: the source's default.
    public var compression: CompressionChoice?
    /// Of the compression; nil for the fastest that is worth it.
    public var level: Int?
    public var prefix: String?
    public var name: String?
    /// Blobs at once, and images at once.
    public var jobs = 4
    public var dryRun = false
    public var keepGoing = false
    /// Applies to tags that the destination has.
    public var onExisting = OnExisting.overwrite
    /// Applies to an archive file that exists, which a copy replaces as a whole.
    public var onExistingFile = OnExisting.error
    /// Where two images claim one name: the last one has it, or the first one, or nothing is done.
    public var onClash = OnExisting.error
    /// Fail rather than change a digest.
    public var strict = false
    /// Where blobs are taken from that a source lacks.
    package var bases: [BlobBase] = []
    /// How far a compressed layer may inflate.
    package var inflation = InflationLimit.standard

    /// What messages may advise.
    package var names = OptionNames()

    public init() {}
}

/// The options that messages advise, spelled as the command at hand has them; nil where it has none.
package struct OptionNames: Hashable, Sendable {
    package var prefix: String?
    package var name: String?
    package var onExisting: String?
    package var platform: String?
    package var format: String?
    package var compression: String?
    package var base: String?

    package init() {}

    /// Advice that names an option, to follow a message; empty where the command has no such option.
    func advice(_ option: KeyPath<OptionNames, String?>, _ text: (String) -> String) -> String {
        self[keyPath: option].map { "; " + text($0) } ?? ""
    }
}

extension CopyOptions {
    /// What becomes of layers between these two when nobody says.
    func compression(from source: any ImageSource, to destination: any ImageDestination) -> CompressionChoice {
        if let compression { return compression }
        return destination.traits.keepsRawLayers ? .keep : source.defaultCompression
    }
}

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

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

package import ByteStreams
package import ImageModel

/// What `copy` may be told.
package struct CopyOptions: Hashable, Sendable {
    package enum OnExisting: String, Sendable, CaseIterable {
        case overwrite
        case skip
        case error
    }

    package var platforms = PlatformChoice.all
    /// nil: manifests keep their family.
    package var format: ManifestFormat?
    /// nil: the source's default.
    package var compression: CompressionChoice?
    /// Of the compression; nil for the fastest that is worth it.
    package var level: Int?
    package var prefix: String?
    package var name: String?
    /// Blobs at once, and images at once.
    package var jobs = 4
    package var dryRun = false
    package var keepGoing = false
    /// Applies to tags that the destination has.
    package var onExisting = OnExisting.overwrite
    /// Applies to an archive file that exists, which a copy replaces as a whole.
    package var onExistingFile = OnExisting.error
    /// Where two images claim one name: the last one has it, or the first one, or nothing is done.
    package var onClash = OnExisting.error
    /// Fail rather than change a digest.
    package var strict = false
    /// Where blobs are taken from that a source lacks.
    package var bases: [BlobBase] = []
    /// How far a compressed layer may inflate.
    package var inflation = InflationLimit.standard

    /// What messages may advise.
    package var names = OptionNames()

    package init() {}
}

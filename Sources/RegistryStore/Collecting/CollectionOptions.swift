/// What a garbage collection is to do.
public struct CollectionOptions: Sendable {
    /// Find out, and change nothing.
    public var dryRun = false
    /// Delete manifests that no tag means, no kept index lists and that are attached to nothing that is kept.
    public var deletesUntagged = false
    /// What was written or touched since then stays: somebody may be about to refer to it. The start of the run
    /// at the least.
    public var graceTime = Duration.seconds(3600)
    /// Move what goes into `ROOT/.dray/quarantine` instead of deleting it: see `StoreQuarantine`.
    public var quarantines = false

    public init() {}
}

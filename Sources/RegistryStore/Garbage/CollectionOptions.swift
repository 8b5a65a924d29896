/// What a garbage collection is to do.
package struct CollectionOptions: Sendable {
    /// Find out, and change nothing.
    package var dryRun = false
    /// Delete manifests that no tag means, no kept index lists and that are attached to nothing that is kept.
    package var deletesUntagged = false
    /// What was written or touched since then stays: somebody may be about to refer to it. The start of the run
    /// at the least.
    package var graceTime = Duration.seconds(3600)
    /// Move what goes into `ROOT/.dray/quarantine` instead of deleting it: see `StoreQuarantine`.
    package var quarantines = false

    package init() {}
}

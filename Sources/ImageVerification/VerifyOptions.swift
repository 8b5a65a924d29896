package import ByteStreams

/// What `verify` may be told.
public struct VerifyOptions: Sendable {
    /// Whether layers are inflated, their tars followed, and their diffIDs compared with their configs.
    public var isDeep = false
    /// How far a layer may inflate.
    package var inflation = InflationLimit.standard
    /// Blobs at once; nil for as many as there are processors, or as suits a network.
    public var jobs: Int?
    /// A file that remembers what was read while a run lasts, so that an interrupted one can go on.
    public var journal: String?

    public init() {}
}

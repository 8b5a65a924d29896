public import ConfigurationFiles
public import ImageModel
public import ImageTransfer

/// One wish: which images of a source are to be at a destination.
public struct SyncRule: Sendable {
    /// What reports call it.
    public var name: String
    public var source: ImageReference
    public var destination: ImageReference
    /// Repositories of the source that count; all if there are none.
    public var repositories: [TextPattern] = []
    /// nil: all that the source's reference means.
    public var tags: TagSelection?
    /// nil: names stay as they are.
    public var rename: NameTemplate?
    public var options = CopyOptions()

    public init(name: String, source: ImageReference, destination: ImageReference) {
        self.name = name
        self.source = source
        self.destination = destination
    }
}

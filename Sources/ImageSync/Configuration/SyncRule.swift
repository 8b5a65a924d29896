package import ImageModel
package import ImageTransfer

/// One wish: which images of a source are to be at a destination.
package struct SyncRule: Sendable {
    /// What reports call it.
    package var name: String
    package var source: ImageReference
    package var destination: ImageReference
    /// Repositories of the source that count; all if there are none.
    package var repositories: [TextPattern] = []
    /// nil: all that the source's reference means.
    package var tags: TagSelection?
    /// nil: names stay as they are.
    package var rename: NameTemplate?
    package var options = CopyOptions()
}

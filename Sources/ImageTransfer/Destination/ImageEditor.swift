/// A place whose names can be changed where they are.
package protocol ImageEditor: ImageSource, ChangeablePlace {
    /// Names a manifest that is there. `tag` is a tag in the image's repository.
    func tag(_ image: SourceImage, as tag: String) async throws
    /// Takes the name away; the content stays until garbage collection.
    func untag(_ image: SourceImage) async throws
    /// Takes the manifest and every name of it away. Blobs stay until garbage collection.
    func delete(_ image: SourceImage) async throws
}

/// Somewhere that dray may change.
package protocol ChangeablePlace: Sendable {
    /// What a user has to know, or do, now that something there has changed.
    func advice() async -> [String]
}

extension ChangeablePlace {
    package func advice() async -> [String] { [] }
}

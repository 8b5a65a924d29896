public import ImageModel

/// What to take from a source: everything, or what a name or digest means there.
public struct CopySelection: Sendable {
    public var source: any ImageSource
    public var name: String?
    public var digest: Digest?

    public init(source: any ImageSource, name: String? = nil, digest: Digest? = nil) {
        self.source = source
        self.name = name
        self.digest = digest
    }

    /// Whether nothing of a repository is left out.
    func takesAll(of repository: String?) -> Bool {
        guard digest == nil, let name else { return digest == nil }
        guard let repository else { return false }
        return repository == name || RepositoryPattern(name)?.matches(repository) == true
    }
}

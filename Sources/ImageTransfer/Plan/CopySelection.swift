package import ImageModel

/// What to take from a source: everything, or what a name or digest means there, or what was chosen before.
package struct CopySelection: Sendable {
    package var source: any ImageSource
    package var name: String?
    package var digest: Digest?
    /// What was looked up already, instead of what name and digest mean.
    package var chosen: SourceListing?
    /// What the images are to be called at the destination, where its reference does not say it.
    package var requestedName: String?
    /// What is made of the names that they would have.
    package var rename: NameTemplate?
    /// Whose wish this is, for the report: a rule's name.
    package var rule: String?

    package init(
        source: any ImageSource, name: String? = nil, digest: Digest? = nil, chosen: SourceListing? = nil,
        requestedName: String? = nil, rename: NameTemplate? = nil, rule: String? = nil
    ) {
        self.source = source
        self.name = name
        self.digest = digest
        self.chosen = chosen
        self.requestedName = requestedName
        self.rename = rename
        self.rule = rule
    }

    /// Whether nothing of a repository is left out.
    func takesAll(of repository: String?) -> Bool {
        guard digest == nil, chosen == nil else { return false }
        guard let name else { return true }
        guard let repository else { return false }
        return repository == name || RepositoryPattern(name)?.matches(repository) == true
    }

    func listing() async throws -> SourceListing {
        if let chosen { return chosen }
        return try await source.listing(named: name, digest: digest)
    }
}

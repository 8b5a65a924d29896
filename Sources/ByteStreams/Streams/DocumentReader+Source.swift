package import ImageModel

extension DocumentReader {
    /// Reads a document from a source.
    package init(
        _ source: any ByteSource, name: String, members: MemberNames? = nil, acceptsSpellings: Bool = false
    ) {
        self.init(name: name, members: members, acceptsSpellings: acceptsSpellings) { try source.read(into: $0) }
    }
}

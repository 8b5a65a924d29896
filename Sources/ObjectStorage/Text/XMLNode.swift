/// An element of an XML answer. Attributes and namespaces are dropped: S3's answers use neither.
struct XMLNode: Sendable, Equatable {
    /// The name without its namespace prefix.
    let name: String
    /// The text of the element itself, without that of its children.
    var text = ""
    var children: [XMLNode] = []

    /// The first child of this name.
    subscript(_ name: String) -> XMLNode? { children.first { $0.name == name } }

    /// All children of this name, in their order.
    func all(_ name: String) -> [XMLNode] { children.filter { $0.name == name } }

    /// The text of the first child of this name, exactly as it was sent.
    func text(_ name: String) -> String? { self[name]?.text }

    /// The text of the first child of this name, without white space around it; nil where nothing is left.
    func word(_ name: String) -> String? {
        guard let text = self[name]?.text else { return nil }
        let word = text.drop(while: \.isWhitespace)
        guard let end = word.lastIndex(where: { !$0.isWhitespace }) else { return nil }
        return String(word[...end])
    }
}

/// An XML answer that cannot be read.
struct XMLProblem: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

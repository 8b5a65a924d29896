/// An element of an XML answer. Attributes and namespaces are dropped: S3's answers use neither.
package struct XMLNode: Sendable, Equatable {
    /// The name without its namespace prefix.
    package let name: String
    /// The text of the element itself, without that of its children.
    package var text = ""
    package var children: [XMLNode] = []

    package init(name: String, text: String = "", children: [XMLNode] = []) {
        self.name = name
        self.text = text
        self.children = children
    }

    /// The first child of this name.
    package subscript(_ name: String) -> XMLNode? { children.first { $0.name == name } }

    /// All children of this name, in their order.
    package func all(_ name: String) -> [XMLNode] { children.filter { $0.name == name } }

    /// The text of the first child of this name, exactly as it was sent.
    package func text(_ name: String) -> String? { self[name]?.text }

    /// The text of the first child of this name, without white space around it; nil where nothing is left.
    package func word(_ name: String) -> String? {
        guard let text = self[name]?.text else { return nil }
        let word = text.drop(while: \.isWhitespace)
        guard let end = word.lastIndex(where: { !$0.isWhitespace }) else { return nil }
        return String(word[...end])
    }
}

/// An XML answer that cannot be read.
package struct XMLProblem: Error, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}

/// One value of a YAML document, and where it stands.
package struct YAMLNode: Sendable {
    package enum Content: Sendable {
        /// Plain: without quotes, so that it may also mean a number, a boolean or nothing.
        case scalar(String, isPlain: Bool)
        case sequence([YAMLNode])
        /// In the order of the document; a key may come twice.
        case mapping([Entry])
    }

    package struct Entry: Sendable {
        package var key: String
        /// Where the key stands.
        package var place: YAMLPlace
        package var value: YAMLNode

        package init(key: String, place: YAMLPlace, value: YAMLNode) {
            (self.key, self.place, self.value) = (key, place, value)
        }
    }

    package var content: Content
    package var place: YAMLPlace

    package init(_ content: Content, at place: YAMLPlace) {
        self.content = content
        self.place = place
    }

    /// What stands where nothing is written.
    package static func null(at place: YAMLPlace) -> YAMLNode { YAMLNode(.scalar("", isPlain: true), at: place) }

    package var isNull: Bool {
        guard case .scalar(let text, isPlain: true) = content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }

    /// Whether nothing is written there, or an empty text, list or mapping.
    var isEmpty: Bool {
        switch content {
        case .scalar(let text, _): isNull || text.isEmpty
        case .sequence(let nodes): nodes.isEmpty
        case .mapping(let entries): entries.isEmpty
        }
    }

    /// For messages.
    package var kind: String {
        switch content {
        case .scalar: isNull ? "nothing" : "a single value"
        case .sequence: "a list"
        case .mapping: "a mapping of keys"
        }
    }

    /// Whether anything in it says more than nothing or no.
    var saysSomething: Bool {
        switch content {
        case .scalar(let text, _): !isNull && !["", "false", "0"].contains(text.lowercased())
        case .sequence(let nodes): nodes.contains(where: \.saysSomething)
        case .mapping(let entries): entries.contains(where: \.value.saysSomething)
        }
    }
}

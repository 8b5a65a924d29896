extension YAMLNode {
    /// Bytes that a document may have.
    package static let sizeLimit = 1 << 20
    /// Collections inside of collections.
    package static let depthLimit = 64
    /// Values that a document may have once its aliases are followed: a few lines can stand for billions.
    package static let valueLimit = 100_000

    /// Parses the only document of a text. An empty text is a null.
    ///
    /// Anchors, aliases and the merge key `<<` are followed. Source: YAML 1.1, as libyaml reads it.
    ///
    /// - Throws: `YAMLError` for a syntax error, a second document, a key that is no single value, an alias that
    ///   names nothing, and beyond the limits.
    package init(parsing bytes: [UInt8], from origin: YAMLPlace.Origin) throws(YAMLError) {
        guard bytes.count <= Self.sizeLimit else {
            let problem = "larger than \(Self.sizeLimit) bytes, which no configuration is"
            throw YAMLError(place: YAMLPlace(origin), problem: problem)
        }
        var composer = Composer(events: try YAMLEvents(bytes, origin: origin))
        self = try composer.document()
    }
}

/// Makes nodes of events.
private struct Composer {
    /// A node, with what it would count for if it were written again where an alias stands.
    struct Composed {
        var node: YAMLNode
        /// The values in it, itself included.
        var weight = 1
        /// The collections inside of each other.
        var height = 0

        mutating func take(_ child: Composed) {
            weight += child.weight
            height = max(height, child.height + 1)
        }
    }

    let events: YAMLEvents
    private var anchors: [String: Composed] = [:]
    private var valueCount = 0

    init(events: YAMLEvents) { self.events = events }

    mutating func document() throws(YAMLError) -> YAMLNode {
        _ = try events.next()
        let start = try events.next()
        if case .streamEnd = start.kind { return .null(at: start.place) }
        let root = try compose(events.next(), depth: 0)
        _ = try events.next()
        let end = try events.next()
        guard case .streamEnd = end.kind else {
            throw YAMLError(place: end.place, problem: "a second document begins: only one may be in the file")
        }
        return root.node
    }

    private mutating func compose(_ event: YAMLEvents.Event, depth: Int) throws(YAMLError) -> Composed {
        var made: Composed
        switch event.kind {
        case .scalar(let text, let isPlain):
            made = Composed(node: YAMLNode(.scalar(text, isPlain: isPlain), at: event.place))
            try count(1, at: event.place)
        case .alias(let name):
            guard let named = anchors[name] else {
                throw YAMLError(place: event.place, problem: "an alias (*) of nothing that ends above it")
            }
            made = named
            made.node.place = event.place
            try count(made.weight, at: event.place)
            try check(depth: depth + made.height, at: event.place)
        case .sequenceStart:
            try count(1, at: event.place)
            try check(depth: depth + 1, at: event.place)
            made = try sequence(event, depth: depth + 1)
        default:
            try count(1, at: event.place)
            try check(depth: depth + 1, at: event.place)
            made = try mapping(event, depth: depth + 1)
        }
        if let anchor = event.anchor { anchors[anchor] = made }
        return made
    }

    private mutating func sequence(_ start: YAMLEvents.Event, depth: Int) throws(YAMLError) -> Composed {
        var nodes: [YAMLNode] = []
        var made = Composed(node: YAMLNode(.sequence([]), at: start.place), height: 1)
        while let event = try nextInCollection() {
            let child = try compose(event, depth: depth)
            made.take(child)
            nodes.append(child.node)
        }
        made.node.content = .sequence(nodes)
        return made
    }

    private mutating func mapping(_ start: YAMLEvents.Event, depth: Int) throws(YAMLError) -> Composed {
        var entries: [YAMLNode.Entry] = []
        var merged: [YAMLNode.Entry] = []
        var made = Composed(node: YAMLNode(.mapping([]), at: start.place), height: 1)
        while let event = try nextInCollection() {
            let key = try compose(event, depth: depth)
            guard case .scalar(let name, let isPlain) = key.node.content else {
                throw YAMLError(place: event.place, problem: "a key that is \(key.node.kind): keys are single values")
            }
            let value = try compose(events.next(), depth: depth)
            made.take(key)
            made.take(value)
            if name == "<<", isPlain {
                merged += try Self.entries(toMerge: value.node)
            } else {
                entries.append(YAMLNode.Entry(key: name, place: event.place, value: value.node))
            }
        }
        // What stands there itself counts more than what is merged, and what is merged first more than the rest.
        var names = Set(entries.map(\.key))
        made.node.content = .mapping(merged.filter { names.insert($0.key).inserted } + entries)
        return made
    }

    private static func entries(toMerge node: YAMLNode) throws(YAMLError) -> [YAMLNode.Entry] {
        switch node.content {
        case .mapping(let entries): return entries
        case .sequence(let nodes):
            var all: [YAMLNode.Entry] = []
            for case .mapping(let entries) in nodes.map(\.content) { all += entries }
            return all
        case .scalar:
            throw YAMLError(place: node.place, problem: "<< takes a mapping, or a list of mappings")
        }
    }

    /// nil at the collection's end.
    private func nextInCollection() throws(YAMLError) -> YAMLEvents.Event? {
        let event = try events.next()
        if case .collectionEnd = event.kind { return nil }
        return event
    }

    private mutating func count(_ weight: Int, at place: YAMLPlace) throws(YAMLError) {
        valueCount += weight
        guard valueCount <= YAMLNode.valueLimit else {
            let problem = "more than \(YAMLNode.valueLimit) values up to here, aliases (*) followed"
            throw YAMLError(place: place, problem: problem)
        }
    }

    private func check(depth: Int, at place: YAMLPlace) throws(YAMLError) {
        guard depth <= YAMLNode.depthLimit else {
            throw YAMLError(place: place, problem: "nested deeper than \(YAMLNode.depthLimit) levels")
        }
    }
}

import CYAML

/// The events of libyaml's parser, one after the other. Closes the C library in.
final class YAMLEvents {
    struct Event {
        enum Kind {
            case scalar(String, isPlain: Bool)
            case alias(String)
            case sequenceStart
            case mappingStart
            /// Of a sequence or a mapping.
            case collectionEnd
            case documentStart
            case documentEnd
            case streamStart
            case streamEnd
        }

        var kind: Kind
        /// That other places can name it by.
        var anchor: String?
        var place: YAMLPlace
    }

    private static let tagPrefix = "tag:yaml.org,2002:"

    // libyaml keeps pointers into both: they never move.
    private let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    private let text: UnsafeMutableBufferPointer<UInt8>
    private let origin: YAMLPlace.Origin

    /// - Throws: `YAMLError` where libyaml finds no memory.
    init(_ bytes: [UInt8], origin: YAMLPlace.Origin) throws(YAMLError) {
        self.origin = origin
        text = .allocate(capacity: max(bytes.count, 1))
        _ = text.initialize(from: bytes)
        guard yaml_parser_initialize(parser) == 1 else {
            throw YAMLError(place: YAMLPlace(origin), problem: "libyaml cannot allocate a parser")
        }
        yaml_parser_set_input_string(parser, text.baseAddress, bytes.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
        text.deallocate()
    }

    /// - Throws: `YAMLError` for what is no YAML, and for tags beyond YAML's basic types.
    func next() throws(YAMLError) -> Event {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw failure() }
        defer { yaml_event_delete(&event) }
        let place = place(event.start_mark)
        switch event.type {
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            let tag = try Self.tag(scalar.tag, known: ["str", "int", "float", "bool", "null"], at: place)
            let isPlain = tag == nil ? scalar.style == YAML_PLAIN_SCALAR_STYLE : tag != "str"
            let kind = Event.Kind.scalar(String(decoding: bytes, as: UTF8.self), isPlain: isPlain)
            return Event(kind: kind, anchor: Self.string(scalar.anchor), place: place)
        case YAML_ALIAS_EVENT:
            return Event(kind: .alias(Self.string(event.data.alias.anchor) ?? ""), place: place)
        case YAML_SEQUENCE_START_EVENT:
            _ = try Self.tag(event.data.sequence_start.tag, known: ["seq"], at: place)
            return Event(kind: .sequenceStart, anchor: Self.string(event.data.sequence_start.anchor), place: place)
        case YAML_MAPPING_START_EVENT:
            _ = try Self.tag(event.data.mapping_start.tag, known: ["map"], at: place)
            return Event(kind: .mappingStart, anchor: Self.string(event.data.mapping_start.anchor), place: place)
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: return Event(kind: .collectionEnd, place: place)
        case YAML_DOCUMENT_START_EVENT: return Event(kind: .documentStart, place: place)
        case YAML_DOCUMENT_END_EVENT: return Event(kind: .documentEnd, place: place)
        case YAML_STREAM_START_EVENT: return Event(kind: .streamStart, place: place)
        default: return Event(kind: .streamEnd, place: place)
        }
    }

    private func place(_ mark: yaml_mark_t) -> YAMLPlace {
        YAMLPlace(origin, line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    }

    private static func string(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        pointer.map { String(cString: $0) }
    }

    /// The tag's name; nil where there is none. `!` alone means text.
    private static func tag(
        _ pointer: UnsafeMutablePointer<yaml_char_t>?, known: Set<String>, at place: YAMLPlace
    ) throws(YAMLError) -> String? {
        guard let tag = string(pointer) else { return nil }
        if tag == "!" { return "str" }
        let name = tag.hasPrefix(tagPrefix) ? String(tag.dropFirst(tagPrefix.count)) : tag
        guard known.contains(name) else {
            throw YAMLError(place: place, problem: "a tag (!...) that is not understood here: leave it out")
        }
        return name
    }

    private func failure() -> YAMLError {
        let state = parser.pointee
        let problem = state.problem.map { String(cString: $0) } ?? "no YAML, for no reason that libyaml tells"
        if state.error == YAML_READER_ERROR {
            // Not UTF-8, or characters that no text has. The reader knows bytes only, no lines.
            let before = text.prefix(Int(state.problem_offset))
            let line = before.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            let place = YAMLPlace(origin, line: line.count, column: (line.last?.count ?? 0) + 1)
            return YAMLError(place: place, problem: "\(problem): the file has to be text in UTF-8")
        }
        var message = problem
        if let context = state.context {
            message += " \(String(cString: context))"
            // The scanner's context is where the problem is; the parser's is where it began.
            let start = Int(state.context_mark.line)
            if start < Int(state.problem_mark.line) { message += " that begins in line \(start + 1)" }
        }
        if isIndentedWithTabs(line: Int(state.problem_mark.line)) { message += "; indent with spaces, not with tabs" }
        return YAMLError(place: place(state.problem_mark), problem: message)
    }

    private func isIndentedWithTabs(line: Int) -> Bool {
        let lines = text.split(separator: UInt8(ascii: "\n"), maxSplits: line + 1, omittingEmptySubsequences: false)
        guard lines.indices.contains(line) else { return false }
        return lines[line].prefix { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }.contains(UInt8(ascii: "\t"))
    }
}

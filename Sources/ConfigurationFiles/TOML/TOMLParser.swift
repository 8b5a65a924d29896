/// Reads a TOML document.
package struct TOMLParser {
    /// Arrays and tables in each other, and parts of a key.
    private static let depthLimit = 32

    let text: [Unicode.Scalar]
    var position = 0
    private var root = Node()

    /// A table while it grows: which names are taken, and by what kind of definition.
    private final class Node {
        enum Member {
            case value(TOMLValue)
            case table(Node)
            case tables(Tables)
        }

        var members: [String: Member] = [:]
        /// Whether a header names it, or dotted keys made it: neither can be done twice, nor one after the other.
        var isDefined = false

        var value: TOMLValue {
            .table(
                members.mapValues { member in
                    switch member {
                    case .value(let value): value
                    case .table(let node): node.value
                    case .tables(let tables): .array(tables.nodes.map(\.value))
                    }
                })
        }
    }

    /// That `[[name]]` adds to, without copying those that are there.
    private final class Tables {
        var nodes: [Node]

        init(_ first: Node) { nodes = [first] }
    }

    private init(_ text: String) { self.text = Array(text.unicodeScalars) }

    /// - Returns: always a table.
    /// - Throws: `TOMLError`.
    package static func parse(_ text: String) throws -> TOMLValue {
        var parser = TOMLParser(text)
        try parser.parseDocument()
        return parser.root.value
    }

    // MARK: Document

    private mutating func parseDocument() throws {
        var table = root
        while true {
            skipBlank()
            guard let next = peek() else { return }
            if next == "[" {
                table = try parseHeader()
            } else {
                try parsePair(into: table)
            }
            try endLine()
        }
    }

    /// `[a.b]` or `[[a.b]]`.
    private mutating func parseHeader() throws -> Node {
        let start = position
        position += 1
        let isArray = take("[")
        let path = try parseKey()
        guard take("]"), !isArray || take("]") else { throw error("a header that does not end with ']'") }
        var node = root
        for name in path.dropLast() { node = try descend(from: node, to: name, at: start) }
        guard let last = path.last else { throw error("a header without a name", at: start) }
        switch node.members[last] {
        case nil:
            let new = Node()
            new.isDefined = true
            node.members[last] = isArray ? .tables(Tables(new)) : .table(new)
            return new
        case .tables(let tables)? where isArray:
            let new = Node()
            new.isDefined = true
            tables.nodes.append(new)
            return new
        case .table(let known)? where !isArray && !known.isDefined:
            known.isDefined = true
            return known
        default: throw error("'\(path.joined(separator: "."))' is there already", at: start)
        }
    }

    private func descend(from node: Node, to name: String, at start: Int) throws -> Node {
        switch node.members[name] {
        case nil:
            let new = Node()
            node.members[name] = .table(new)
            return new
        case .table(let known)?: return known
        case .tables(let tables)?: if let last = tables.nodes.last { return last }
        case .value?: break
        }
        throw error("'\(name)' is a value, and no table", at: start)
    }

    /// `key = value`
    private mutating func parsePair(into table: Node, depth: Int = 0) throws {
        let start = position
        let path = try parseKey()
        guard take("=") else { throw error("a key without '='") }
        skipSpace()
        var node = table
        for name in path.dropLast() {
            let isNew = node.members[name] == nil
            let child = try descend(from: node, to: name, at: start)
            if isNew {
                child.isDefined = true
            } else if case .tables? = node.members[name] {
                throw error("'\(name)' is an array of tables, which dotted keys do not reach", at: start)
            }
            node = child
        }
        guard let last = path.last, node.members[last] == nil else {
            throw error("'\(path.joined(separator: "."))' is there already", at: start)
        }
        node.members[last] = .value(try parseValue(depth: depth))
        skipSpace()
    }

    // MARK: Keys

    /// Bare, quoted and dotted; with the white space around them.
    private mutating func parseKey() throws -> [String] {
        var path: [String] = []
        repeat {
            skipSpace()
            switch peek() {
            case "\""?, "'"?: path.append(try parseString(isKey: true))
            default:
                let start = position
                while let next = peek(), Self.isBare(next) { position += 1 }
                guard position > start else { throw error("a name is missing") }
                path.append(string(start))
            }
            guard path.count <= Self.depthLimit else { throw error("a name of more than \(Self.depthLimit) parts") }
            skipSpace()
        } while take(".")
        return path
    }

    // MARK: Values

    private mutating func parseValue(depth: Int) throws -> TOMLValue {
        guard depth < Self.depthLimit else { throw error("more than \(Self.depthLimit) levels") }
        switch peek() {
        case "\""?, "'"?: return .string(try parseString(isKey: false))
        case "["?: return try parseArray(depth: depth + 1)
        case "{"?: return try parseInlineTable(depth: depth + 1)
        default: return try parseBare()
        }
    }

    private mutating func parseArray(depth: Int) throws -> TOMLValue {
        position += 1
        var values: [TOMLValue] = []
        while true {
            skipBlank()
            if take("]") { return .array(values) }
            values.append(try parseValue(depth: depth))
            skipBlank()
            if take(",") { continue }
            guard take("]") else { throw error("an array that does not go on with ',' or end with ']'") }
            return .array(values)
        }
    }

    private mutating func parseInlineTable(depth: Int) throws -> TOMLValue {
        position += 1
        let table = Node()
        skipSpace()
        if take("}") { return table.value }
        while true {
            try parsePair(into: table, depth: depth)
            if take(",") { continue }
            guard take("}") else { throw error("a table that does not go on with ',' or end with '}'") }
            return table.value
        }
    }

    private mutating func parseBare() throws -> TOMLValue {
        let start = position
        func skipWord() {
            while let next = peek(), Self.isBare(next) || "+.:".unicodeScalars.contains(next) { position += 1 }
        }
        skipWord()
        // A date and a time may have a space between them.
        if position - start == 10, text[start + 4] == "-", peek() == " ", position + 1 < text.count,
            Self.isDigit(text[position + 1])
        {
            position += 1
            skipWord()
        }
        let word = string(start)
        switch word {
        case "": throw error("a value is missing")
        case "true": return .boolean(true)
        case "false": return .boolean(false)
        default:
            let digits = word.unicodeScalars.drop { $0 == "+" || $0 == "-" }
            guard digits.first.map({ Self.isDigit($0) }) == true || ["inf", "nan"].contains(String(digits)) else {
                throw error("'\(word)' is no value: text is written in quotes", at: start)
            }
            return .other(word)
        }
    }

    // MARK: Characters

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

    private static func isBare(_ scalar: Unicode.Scalar) -> Bool {
        isDigit(scalar) || ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || scalar == "_"
            || scalar == "-"
    }

    private func string(_ start: Int) -> String { String(String.UnicodeScalarView(text[start..<position])) }

    func peek() -> Unicode.Scalar? { position < text.count ? text[position] : nil }

    mutating func take(_ wanted: Unicode.Scalar) -> Bool {
        guard peek() == wanted else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() { while let next = peek(), next == " " || next == "\t" { position += 1 } }

    /// Skips white space, ends of lines and comments.
    private mutating func skipBlank() {
        while let next = peek() {
            if next == "#" {
                skipComment()
            } else if " \t\r\n".unicodeScalars.contains(next) {
                position += 1
            } else {
                return
            }
        }
    }

    private mutating func skipComment() { while let next = peek(), next != "\n" { position += 1 } }

    private mutating func endLine() throws {
        skipSpace()
        if peek() == "#" { skipComment() }
        guard let next = peek() else { return }
        guard next == "\n" || next == "\r" else { throw error("'\(next)' after the end of a value or header") }
    }

    func error(_ reason: String, at place: Int? = nil) -> TOMLError {
        let before = text[..<min(place ?? position, text.count)]
        let line = before.count { $0 == "\n" } + 1
        let column = before.count - (before.lastIndex(of: "\n").map { $0 + 1 } ?? 0) + 1
        return TOMLError(line: line, column: column, reason: reason)
    }
}

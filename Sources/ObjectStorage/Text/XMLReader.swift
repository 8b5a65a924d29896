/// A reader for the XML that S3 servers answer with, which is treated as hostile.
///
/// It reads elements, text, character references, the five predefined entities, CDATA, comments and processing
/// instructions. It refuses document types, and with them all other entities. Size, depth and number of elements are
/// limited. Source: XML 1.0, fifth edition.
package struct XMLReader {
    /// The deepest nesting of elements. S3's deepest answer has four levels.
    package static let depthLimit = 16
    /// The largest number of elements: a page of 1,000 keys has about 10,000.
    package static let nodeLimit = 65_536

    private let bytes: [UInt8]
    private var position = 0
    private var nodes = 0

    /// Reads a whole answer.
    ///
    /// - Returns: its root element.
    /// - Throws: `XMLProblem`.
    package static func read(_ bytes: [UInt8]) throws(XMLProblem) -> XMLNode {
        var reader = XMLReader(bytes: bytes)
        return try reader.document()
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private mutating func document() throws(XMLProblem) -> XMLNode {
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { position = 3 }
        var open: [XMLNode] = []
        var root: XMLNode?
        while position < bytes.count {
            guard bytes[position] == UInt8(ascii: "<") else {
                try text(into: &open)
                continue
            }
            if skips("<!--") {
                try skip(past: "-->")
            } else if skips("<![CDATA[") {
                let start = position
                try skip(past: "]]>")
                guard !open.isEmpty else { throw XMLProblem("text outside of the root element") }
                open[open.count - 1].text += try string(start..<position - 3)
            } else if skips("<?") {
                try skip(past: "?>")
            } else if skips("<!") {
                throw XMLProblem("document types are not accepted")
            } else if skips("</") {
                let name = try name()
                skipSpace()
                guard skips(">"), let node = open.popLast(), node.name == name else {
                    throw XMLProblem("the end tag '\(name.prefix(40))' does not match its start tag")
                }
                close(node, in: &open, root: &root)
            } else {
                position += 1
                guard root == nil else { throw XMLProblem("a second root element") }
                let node = XMLNode(name: try name())
                nodes += 1
                guard nodes <= Self.nodeLimit else { throw XMLProblem("more than \(Self.nodeLimit) elements") }
                guard open.count < Self.depthLimit else {
                    throw XMLProblem("elements are nested deeper than \(Self.depthLimit) levels")
                }
                if try endsItself() { close(node, in: &open, root: &root) } else { open.append(node) }
            }
        }
        guard open.isEmpty, let root else { throw XMLProblem("the document is incomplete") }
        return root
    }

    private func close(_ node: XMLNode, in open: inout [XMLNode], root: inout XMLNode?) {
        if open.isEmpty { root = node } else { open[open.count - 1].children.append(node) }
    }

    /// Reads the attributes and the end of a start tag.
    ///
    /// - Returns: whether the element is empty: `<name/>`.
    private mutating func endsItself() throws(XMLProblem) -> Bool {
        while true {
            skipSpace()
            if skips("/>") { return true }
            if skips(">") { return false }
            _ = try name()
            skipSpace()
            guard skips("=") else { throw XMLProblem("an attribute without a value") }
            skipSpace()
            guard position < bytes.count, [UInt8(ascii: "\""), UInt8(ascii: "'")].contains(bytes[position]) else {
                throw XMLProblem("an attribute value without quotes")
            }
            let quote = bytes[position]
            position += 1
            while position < bytes.count, bytes[position] != quote, bytes[position] != UInt8(ascii: "<") {
                position += 1
            }
            guard position < bytes.count, bytes[position] == quote else { throw XMLProblem("an unfinished attribute") }
            position += 1
        }
    }

    private mutating func text(into open: inout [XMLNode]) throws(XMLProblem) {
        let start = position
        while position < bytes.count, bytes[position] != UInt8(ascii: "<"), bytes[position] != UInt8(ascii: "&") {
            position += 1
        }
        var text = try string(start..<position)
        if position < bytes.count, bytes[position] == UInt8(ascii: "&") { text.unicodeScalars.append(try reference()) }
        if open.isEmpty {
            guard text.allSatisfy(\.isWhitespace) else { throw XMLProblem("text outside of the root element") }
        } else {
            open[open.count - 1].text += text
        }
    }

    /// `&amp;`, `&#38;` and the like.
    private mutating func reference() throws(XMLProblem) -> Unicode.Scalar {
        let start = position + 1
        guard let end = bytes[start...].prefix(12).firstIndex(of: UInt8(ascii: ";")) else {
            throw XMLProblem("an unfinished entity")
        }
        position = end + 1
        let name = try string(start..<end)
        switch name {
        case "amp": return "&"
        case "lt": return "<"
        case "gt": return ">"
        case "quot": return "\""
        case "apos": return "'"
        default:
            let number = name.hasPrefix("#x") ? UInt32(name.dropFirst(2), radix: 16) : UInt32(name.dropFirst())
            guard name.hasPrefix("#"), let number, number > 0, let scalar = Unicode.Scalar(number) else {
                throw XMLProblem("the unknown entity '\(name)'")
            }
            return scalar
        }
    }

    // MARK: Bytes

    private mutating func name() throws(XMLProblem) -> String {
        let start = position
        var first = position
        while position < bytes.count {
            switch bytes[position] {
            case 48...57, 65...90, 97...122, UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."), 0x80...: break
            case UInt8(ascii: ":"): first = position + 1
            default:
                guard position > first, position - start <= 256 else { throw XMLProblem("an invalid name") }
                return try string(first..<position)
            }
            position += 1
        }
        throw XMLProblem("the document is incomplete")
    }

    private func string(_ range: Range<Int>) throws(XMLProblem) -> String {
        guard let text = String(validating: bytes[range], as: UTF8.self), !bytes[range].contains(0) else {
            throw XMLProblem("not UTF-8")
        }
        return text
    }

    private mutating func skipSpace() {
        while position < bytes.count, [9, 10, 13, 32].contains(bytes[position]) { position += 1 }
    }

    /// Moves past `mark` if that is next.
    private mutating func skips(_ mark: StaticString) -> Bool {
        let count = mark.utf8CodeUnitCount
        let isNext = mark.withUTF8Buffer {
            position + count <= bytes.count && bytes[position..<position + count].elementsEqual($0)
        }
        if isNext { position += count }
        return isNext
    }

    private mutating func skip(past mark: StaticString) throws(XMLProblem) {
        while position < bytes.count {
            if skips(mark) { return }
            position += 1
        }
        throw XMLProblem("the document is incomplete")
    }
}

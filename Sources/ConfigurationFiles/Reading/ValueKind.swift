import ImageModel

/// What a key's value has to look like, and how it is read.
package struct ValueKind<Value>: Sendable {
    /// - Parameters:
    ///   - node: not null, and not the empty text.
    ///   - remark: is told what is odd but understood.
    package typealias Read = @Sendable (_ node: YAMLNode, _ remark: (String) -> Void) throws(Complaint) -> Value

    package let read: Read

    package init(_ read: @escaping Read) { self.read = read }

    /// Of a single value, on one line.
    package static func text(_ read: @escaping @Sendable (String) throws(Complaint) -> Value) -> ValueKind {
        ValueKind { (node, _) throws(Complaint) in try read(line(node)) }
    }

    /// Likewise, all of them; a single value is a list of one.
    package static func list<Element>(_ element: ValueKind<Element>) -> ValueKind where Value == [Element] {
        ValueKind { (node, remark) throws(Complaint) in
            guard case .sequence(let nodes) = node.content else { return [try element.read(node, remark)] }
            guard !nodes.isEmpty else { throw Complaint("is an empty list: leave the key out, or begin with '- '") }
            var all: [Element] = []
            for node in nodes {
                do throws(Complaint) {
                    all.append(try element.read(node, remark))
                } catch {
                    throw Complaint(error.message, at: error.place ?? node.place)
                }
            }
            return all
        }
    }

    /// One of a few names, in any case.
    package static func choice() -> ValueKind
    where Value: CaseIterable & RawRepresentable & Sendable, Value.RawValue == String {
        let names = Value.allCases.map(\.rawValue).joined(separator: ", ")
        return text { (text) throws(Complaint) in
            if let value = Value(rawValue: text.lowercased()) { return value }
            throw Complaint("\(quoted(text)) is none of the choices: write one of \(names)")
        }
    }
}

/// What is wrong with a value, and what would be right.
package struct Complaint: Error {
    package var message: String
    /// nil: where the value begins.
    package var place: YAMLPlace?

    package init(_ message: String, at place: YAMLPlace? = nil) {
        self.message = message
        self.place = place
    }
}

/// The text of a single value; a secret may be in it.
private func scalar(_ node: YAMLNode) throws(Complaint) -> String {
    guard case .scalar(let text, _) = node.content else {
        throw Complaint("is \(node.kind) where a single value belongs", at: node.place)
    }
    return text
}

/// The text of a single value without control characters, which could split a header or hide the rest of a path.
private func line(_ node: YAMLNode) throws(Complaint) -> String {
    let text = try scalar(node)
    guard !text.unicodeScalars.contains(where: \.isControl) else {
        throw Complaint("holds a line break or another control character: write it on one line", at: node.place)
    }
    return text
}

private func lines(_ node: YAMLNode) throws(Complaint) -> [String] {
    guard case .sequence(let nodes) = node.content else {
        if case .scalar = node.content { return [try line(node)] }
        throw Complaint("is \(node.kind) where a list belongs: begin each value with '- '", at: node.place)
    }
    var all: [String] = []
    for node in nodes { all.append(try line(node)) }
    return all
}

private func entries(_ node: YAMLNode) throws(Complaint) -> [YAMLNode.Entry] {
    guard case .mapping(let entries) = node.content else {
        throw Complaint("is \(node.kind) where keys belong, each with a value: 'key: value'", at: node.place)
    }
    return entries
}

extension ValueKind where Value == String {
    package static var text: ValueKind { text { $0 } }

    /// Anything at all, which no message ever repeats.
    package static var secret: ValueKind { ValueKind { (node, _) throws(Complaint) in try scalar(node) } }
}

extension ValueKind where Value == [String] {
    /// A list; a single value is a list of one.
    package static var texts: ValueKind { ValueKind { (node, _) throws(Complaint) in try lines(node) } }

    /// Each has to pass `check`.
    package static func texts(_ check: @escaping @Sendable (String) throws(Complaint) -> Void) -> ValueKind {
        ValueKind { (node, _) throws(Complaint) in
            let all = try lines(node)
            for text in all { try check(text) }
            return all
        }
    }
}

extension ValueKind where Value == [String: String] {
    /// Names with a single value each.
    package static var fields: ValueKind {
        ValueKind { (node, _) throws(Complaint) in
            var fields: [String: String] = [:]
            for entry in try entries(node) { fields[entry.key] = try line(entry.value) }
            return fields
        }
    }
}

extension ValueKind where Value == [(name: String, values: [String])] {
    /// HTTP headers. A list of values each, or one value. No message repeats a value.
    package static var headers: ValueKind {
        ValueKind { (node, _) throws(Complaint) in
            var headers: Value = []
            var positions: [String: Int] = [:]
            for entry in try entries(node) {
                guard !entry.key.isEmpty, entry.key.utf8.allSatisfy(isHeaderNameCharacter) else {
                    throw Complaint("\(quoted(entry.key)) is no name of an HTTP header", at: entry.place)
                }
                let header = (entry.key, entry.value.isNull ? [] : try lines(entry.value))
                let name = entry.key.lowercased()
                if let position = positions[name] {
                    headers[position] = header
                } else {
                    positions[name] = headers.count
                    headers.append(header)
                }
            }
            return headers
        }
    }

    /// RFC 9110, section 5.6.2.
    private static func isHeaderNameCharacter(_ byte: UInt8) -> Bool {
        byte.isASCIILetterOrDigit || "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
}

extension ValueKind where Value == Bool {
    package static var flag: ValueKind {
        ValueKind { (node, remark) throws(Complaint) in
            let text = try line(node)
            let value: Bool
            // Source: YAML 1.1, bool.
            switch text.lowercased() {
            case "true", "yes", "on", "y": value = true
            case "false", "no", "off", "n": value = false
            default: throw Complaint("\(quoted(text)) is no boolean: write true or false")
            }
            if case .scalar(_, isPlain: false) = node.content {
                remark("is text, being in quotes, and is taken for \(value); write \(value) without quotes")
            }
            return value
        }
    }
}

extension ValueKind where Value == Int {
    /// From 0.
    package static var count: ValueKind { number(in: 0...Int(Int32.max)) }

    package static func number(in range: ClosedRange<Int>) -> ValueKind {
        text { (text) throws(Complaint) in
            if let number = Int(text), range.contains(number) { return number }
            throw Complaint("\(quoted(text)) is no whole number from \(range.lowerBound) to \(range.upperBound)")
        }
    }
}

extension ValueKind where Value == Duration {
    /// In Go's notation, not negative. A plain number is nanoseconds, as it is for the original.
    package static var duration: ValueKind {
        ValueKind { (node, remark) throws(Complaint) in
            let text = try line(node)
            if let duration = Duration(go: text), duration >= .zero { return duration }
            if case .scalar(_, isPlain: true) = node.content, let number = Int64(text), number > 0 {
                remark("\(quoted(text)) has no unit and is taken for nanoseconds; write \(text)s if seconds are meant")
                return .nanoseconds(number)
            }
            throw Complaint("\(quoted(text)) is no duration: write one such as 168h, 1h30m, 10s or 500ms")
        }
    }
}

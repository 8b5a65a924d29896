import ConfigurationFiles
import DrayKit
import RegistryClient

extension ValueKind where Value == ImageReference {
    /// With its transport: a file that is read later must not change what it means with what lies around.
    static var reference: ValueKind {
        text { (text) throws(Complaint) in
            let transports = ImageReference.Transport.allCases.map(\.prefix)
            guard text.contains("://") || transports.contains(where: { text.hasPrefix($0) }) else {
                throw Complaint(
                    "\(quoted(text)) does not begin with a transport: write one of \(transports.joined(separator: ", "))"
                        + " before it")
            }
            return try understood { try ReferenceReader().read(text) }
        }
    }
}

extension ValueKind where Value == NameTemplate {
    static var template: ValueKind {
        text { (text) throws(Complaint) in try understood { try NameTemplate(text) } }
    }
}

extension ValueKind where Value == VersionRange {
    static var versions: ValueKind {
        text { (text) throws(Complaint) in
            guard let range = VersionRange(text) else {
                throw Complaint(
                    "\(quoted(text)) is no range of versions: write one such as '>=1.2 <2', '^1.2.3' or '1.x'")
            }
            return range
        }
    }
}

extension ValueKind where Value == String {
    /// Of a list that makes a `PlatformChoice`.
    static var platform: ValueKind {
        text { (text) throws(Complaint) in
            guard PlatformChoice([text]) != nil else {
                throw Complaint("\(quoted(text)) is not a platform: write OS/ARCH[/VARIANT], or present")
            }
            return text
        }
    }

    static var tag: ValueKind {
        text { (text) throws(Complaint) in
            guard ImageName.isTag(text) else {
                throw Complaint(
                    "\(quoted(text)) is no tag: letters, digits, '.', '_' and '-'; patterns go under 'globs'")
            }
            return text
        }
    }
}

extension ValueKind where Value == (choice: CompressionChoice, level: Int?) {
    static var compression: ValueKind {
        text { (text) throws(Complaint) in
            guard let parsed = CompressionChoice.parse(text) else {
                throw Complaint("\(quoted(text)) is no compression: write keep, none, gzip[:1-9] or zstd[:1-19]")
            }
            return parsed
        }
    }
}

extension ValueKind where Value == Int64 {
    /// Bytes a second.
    static var rate: ValueKind {
        text { (text) throws(Complaint) in
            try understood { try RateLimiter.bytesPerSecond(text) }
        }
    }
}

extension ValueKind where Value == Int {
    static var jobs: ValueKind { wholeNumber(in: 1...64) }

    /// Not in quotes.
    static func wholeNumber(in range: ClosedRange<Int>) -> ValueKind {
        ValueKind { (node, remark) throws(Complaint) in
            if case .scalar(_, isPlain: false) = node.content {
                throw Complaint("is text, being in quotes: write a number without them")
            }
            return try ValueKind.number(in: range).read(node, remark)
        }
    }
}

private func understood<Value>(_ read: () throws -> Value) throws(Complaint) -> Value {
    do {
        return try read()
    } catch {
        throw Complaint("\(error)")
    }
}

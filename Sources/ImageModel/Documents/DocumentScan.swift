/// Looks over a document before it is decoded, in one pass.
struct DocumentScan {
    enum Problem: Equatable {
        case tooDeep
        case notUTF8
        /// One key twice in an object, perhaps in another spelling.
        case repeatedKey(String)
        case otherSpelling(String, of: String)
    }

    /// An array or object that is open.
    private struct Level {
        /// So far; nil in an array.
        var keys: Set<[UInt8]>?
        /// Whether its keys are whatever somebody likes to write.
        var isFree: Bool
    }

    private let depthLimit: Int
    private let members: MemberNames?
    private let acceptsSpellings: Bool
    private var open: [Level] = []
    /// Whether a member is spelled in another way, and that is accepted.
    private(set) var hasOtherSpelling = false

    /// - Parameters:
    ///   - members: keys that other readers find in any letter case; nil where nobody else's reader matters.
    ///   - acceptsSpellings: whether they may be spelled so, once in each object.
    init(depthLimit: Int, members: MemberNames? = nil, acceptsSpellings: Bool = false) {
        self.depthLimit = depthLimit
        self.members = members
        self.acceptsSpellings = acceptsSpellings
    }

    /// - Returns: the first problem. That the rest is JSON at all is for the decoder to say.
    mutating func problem(of bytes: [UInt8]) -> Problem? {
        bytes.withUnsafeBytes { problem(of: $0) }
    }

    private mutating func problem(of bytes: UnsafeRawBufferPointer) -> Problem? {
        // Every document has ASCII in it, which other encodings write with zeros.
        guard !bytes.contains(0) else { return .notUTF8 }
        var cursor = JSONCursor(bytes)
        var isKeyNext = false
        var key: [UInt8] = []
        while let byte = cursor.peek() {
            guard byte != UInt8(ascii: "\"") else {
                let start = cursor
                // A string without an end: the decoder refuses it.
                guard let (raw, hasEscape) = try? cursor.rawString() else { return nil }
                if isKeyNext {
                    key = Array(raw)
                    if hasEscape {
                        // A key that is no valid string stays as it is, for the decoder to refuse.
                        var again = start
                        if let text = try? again.string() { key = Array(text.utf8) }
                    }
                    if let problem = add(&key) { return problem }
                }
                isKeyNext = false
                continue
            }
            _ = cursor.take(byte)
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                isKeyNext = byte == UInt8(ascii: "{")
                open.append(Level(keys: isKeyNext ? [] : nil, isFree: isFree(below: key)))
                if open.count > depthLimit { return .tooDeep }
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                isKeyNext = false
                _ = open.popLast()
            case UInt8(ascii: ","): isKeyNext = open.last?.keys != nil
            default: break
            }
        }
        return nil
    }

    /// Whether what begins now has free keys.
    ///
    /// - Parameter key: the last one that was read: its own, unless it is in an array.
    private func isFree(below key: [UInt8]) -> Bool {
        guard let members, let last = open.last else { return false }
        return last.isFree || last.keys != nil && members.isFree(below: key)
    }

    /// - Parameter key: becomes the member that it is a spelling of, where that is accepted.
    private mutating func add(_ key: inout [UInt8]) -> Problem? {
        let last = open.count - 1
        let found = key
        let name = open[last].isFree ? nil : members?.name(misspelled: key)
        if let name {
            guard acceptsSpellings else { return .otherSpelling(String(decoding: found, as: UTF8.self), of: name) }
            hasOtherSpelling = true
            key = Array(name.utf8)
        }
        guard open[last].keys?.insert(key).inserted != false else {
            return .repeatedKey(String(decoding: found, as: UTF8.self))
        }
        return nil
    }
}

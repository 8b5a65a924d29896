/// Looks over a document before it is decoded, in one pass.
struct DocumentScan {
    enum Problem: Equatable {
        case tooDeep
        case notUTF8
        case repeatedKey(String)
    }

    private let depthLimit: Int
    /// For each array and object that is open, the keys that it has so far; nil for arrays.
    private var open: [Set<[UInt8]>?] = []

    init(depthLimit: Int) { self.depthLimit = depthLimit }

    /// - Returns: the first problem. That the rest is JSON at all is for the decoder to say.
    mutating func problem(of bytes: [UInt8]) -> Problem? {
        bytes.withUnsafeBufferPointer { problem(of: $0) }
    }

    private mutating func problem(of bytes: UnsafeBufferPointer<UInt8>) -> Problem? {
        // Every document has ASCII in it, which other encodings write with zeros.
        guard !bytes.contains(0) else { return .notUTF8 }
        var position = 0
        var isKeyNext = false
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                let (end, hasEscape) = Self.endOfString(from: position, in: bytes)
                if isKeyNext, let problem = add(bytes[position..<end], hasEscape: hasEscape) { return problem }
                isKeyNext = false
                position = end + 1
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                isKeyNext = byte == UInt8(ascii: "{")
                open.append(isKeyNext ? [] : nil)
                if open.count > depthLimit { return .tooDeep }
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                isKeyNext = false
                _ = open.popLast()
            case UInt8(ascii: ","): isKeyNext = open.last.map { $0 != nil } ?? false
            default: break
            }
        }
        return nil
    }

    /// - Parameter start: after the quotation mark.
    /// - Returns: where the other one is, or the end.
    private static func endOfString(
        from start: Int, in bytes: UnsafeBufferPointer<UInt8>
    ) -> (end: Int, hasEscape: Bool) {
        var position = start
        var hasEscape = false
        while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
            let isEscape = bytes[position] == UInt8(ascii: "\\")
            hasEscape = hasEscape || isEscape
            position += isEscape ? 2 : 1
        }
        return (min(position, bytes.count), hasEscape)
    }

    private mutating func add(_ key: Slice<UnsafeBufferPointer<UInt8>>, hasEscape: Bool) -> Problem? {
        let key = hasEscape ? Self.unescaped(key) : Array(key)
        guard open[open.count - 1]?.insert(key).inserted == false else { return nil }
        return .repeatedKey(String(decoding: key, as: UTF8.self))
    }

    /// A key that is spelled with escapes. What is no valid one stays as it is, for the decoder to refuse.
    private static func unescaped(_ key: Slice<UnsafeBufferPointer<UInt8>>) -> [UInt8] {
        let quote = [UInt8(ascii: "\"")]
        let text = (try? JSONParser.parse(quote + key + quote))?.string
        return text.map { Array($0.utf8) } ?? Array(key)
    }
}
